//! Calls request the service tier of the settings, each line names the tier that answered, and
//! `invoke` leaves a tier `flex` that throttles for too long.

use crate::support::{FALLBACK, all_ids, ids, kept_lines, planned_with};
use async_trait::async_trait;
use bytes::Bytes;
use quarry_contract::payload::{SliceState, Step};
use quarry_edge::clock::{Clock, RealPause, Unlimited};
use quarry_edge::error::StepError;
use quarry_edge::on_demand::{InvokeError, ModelReply, OnDemand, Question};
use quarry_edge::s3::memory::MemoryStore;
use quarry_invoke::{Deps, handle};
use quarry_planned_run::Silent;
use serde_json::json;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Settings of a model that is called by `InvokeModel` and has the tiers.
const SETTINGS: [(&str, &str); 2] = [
    ("BEDROCK_SERVICE_TIER", "flex"),
    (
        "BEDROCK_MODEL_CAPABILITIES",
        r#"{"flex": true, "priority": true}"#,
    ),
];

#[derive(Default)]
struct Tiered {
    /// Whether `flex` has capacity.
    has_flex: AtomicBool,
    /// Whether the run's model refuses every record.
    refuses: AtomicBool,
    tiers: Mutex<Vec<Option<String>>>,
}

#[async_trait]
impl OnDemand for Tiered {
    async fn invoke(&self, question: Question<'_>) -> Result<ModelReply, InvokeError> {
        let tier = question.tier.map(str::to_owned);
        if self.refuses.load(Ordering::Relaxed) && question.model_id != FALLBACK {
            return Err(InvokeError::Rejected {
                code: 400,
                message: "not this one".to_owned(),
            });
        }
        self.tiers.lock().unwrap().push(tier.clone());
        if tier.as_deref() == Some("flex") && !self.has_flex.load(Ordering::Relaxed) {
            return Err(InvokeError::Throttled("no flex capacity".into()));
        }
        let answer = json!({"content": [{"type": "text", "text": "x"}], "stop_reason": "end_turn"});
        Ok(ModelReply {
            json: Bytes::from(answer.to_string()),
            tier: Some(tier.unwrap_or_else(|| "default".to_owned())),
        })
    }
}

#[derive(Default)]
struct Minutes(AtomicU64);

impl Clock for Minutes {
    fn now(&self) -> Duration {
        Duration::from_mins(29_000_000 + self.0.load(Ordering::Relaxed))
    }
}

struct World {
    store: MemoryStore,
    model: Arc<Tiered>,
    clock: Arc<Minutes>,
    state: SliceState,
}

impl World {
    async fn new(rows: u32, settings: &[(&str, &str)]) -> Self {
        let store = MemoryStore::new();
        let state = planned_with(&store, rows, settings).await;
        Self {
            store,
            model: Arc::default(),
            clock: Arc::default(),
            state,
        }
    }

    async fn invoke_at(&self, minute: u64) -> Result<SliceState, StepError> {
        self.clock.0.store(minute, Ordering::Relaxed);
        let deps = Deps {
            store: Arc::new(self.store.clone()),
            models: Arc::clone(&self.model) as Arc<dyn OnDemand>,
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            pause: Arc::new(RealPause::default()),
            metrics: Arc::new(Silent),
        };
        handle(&deps, self.state.clone(), &Unlimited).await
    }

    async fn answered_in(&self) -> Vec<String> {
        let lines = kept_lines(&self.store).await;
        let tier = |line: &serde_json::Value| line["serviceTier"].as_str().unwrap().to_owned();
        lines.iter().map(tier).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn the_tier_of_the_settings_is_requested_and_its_answers_say_so() {
    for (tier, asked_for) in [
        ("flex", Some("flex")),
        ("priority", Some("priority")),
        ("default", None),
    ] {
        let settings = [("BEDROCK_SERVICE_TIER", tier), SETTINGS[1]];
        let world = World::new(3, &settings).await;
        world.model.has_flex.store(true, Ordering::Relaxed);
        assert_eq!(world.invoke_at(0).await.unwrap().next, Step::Merge);
        let tiers = world.model.tiers.lock().unwrap().clone();
        assert_eq!(tiers, vec![asked_for.map(str::to_owned); 3]);
        assert_eq!(world.answered_in().await, vec![tier; 3]);
    }
}

#[tokio::test(start_paused = true)]
async fn flex_that_throttles_for_longer_than_the_setting_allows_is_left_for_the_default_tier() {
    let settings = [
        SETTINGS[0],
        SETTINGS[1],
        ("BEDROCK_FLEX_WAIT_MINUTES", "30"),
    ];
    let world = World::new(12, &settings).await;
    for minute in [0, 10, 29] {
        let error = world.invoke_at(minute).await.unwrap_err();
        assert_eq!(error.name(), "Quarry.Throttled", "minute {minute}");
    }
    assert_eq!(world.invoke_at(31).await.unwrap().next, Step::Merge);
    assert_eq!(world.answered_in().await, vec!["default"; 12]);
    assert_eq!(ids(&kept_lines(&world.store).await), all_ids(12));
}

/// An answer in between shows that there is capacity, so the wait begins anew.
#[tokio::test(start_paused = true)]
async fn only_throttling_without_an_answer_in_between_counts() {
    let settings = [
        SETTINGS[0],
        SETTINGS[1],
        ("BEDROCK_FLEX_WAIT_MINUTES", "30"),
    ];
    let world = World::new(12, &settings).await;
    assert!(world.invoke_at(0).await.is_err());
    world.model.has_flex.store(true, Ordering::Relaxed);
    assert_eq!(world.invoke_at(29).await.unwrap().next, Step::Merge);
    assert_eq!(world.answered_in().await, vec!["flex"; 12]);
}

/// Claude has no service tiers.
#[tokio::test(start_paused = true)]
async fn a_fallback_model_without_the_tier_is_called_without_it() {
    let settings = [
        ("BEDROCK_PRIMARY_MODEL_ID", "amazon.nova-pro-v1:0"),
        ("BEDROCK_FALLBACK_MODEL_ID", FALLBACK),
        SETTINGS[0],
        SETTINGS[1],
    ];
    let world = World::new(3, &settings).await;
    world.model.has_flex.store(true, Ordering::Relaxed);
    world.model.refuses.store(true, Ordering::Relaxed);
    assert_eq!(world.invoke_at(0).await.unwrap().next, Step::Merge);
    assert_eq!(world.answered_in().await, vec!["default"; 3]);
}
