//! quarry-bedrock-simulator
