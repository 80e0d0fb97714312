//! Every parser keeps its promises for every input of the corpus, and for inputs near to them.

mod changes;
mod replay;
