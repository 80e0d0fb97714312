//! When a model ends.

use crate::facts::{Fact, Facts, ModelFacts};
use crate::finding::Findings;
use jiff::civil::Date;

/// How many days before its end a model is warned of.
const NOTICE_DAYS: i32 = 90;

pub(crate) fn check(of_model: &ModelFacts, facts: &Facts, about: &str, found: &mut Findings) {
    let Fact::Known(model) = &of_model.model else {
        return;
    };
    let move_on = "move to a model that is active (aws bedrock list-foundation-models)";
    let days = |to: Date| facts.today.map(|today| (to - today).get_days());
    let left = model.end_of_life.and_then(|end| Some((end, days(end)?)));
    match left {
        Some((end, left)) if left <= 0 => {
            let problem = format!("ended on {end}: calls and jobs are refused");
            found.error("model-ended", about, problem, move_on);
            return;
        }
        Some((end, left)) if left <= NOTICE_DAYS => {
            let problem =
                format!("ends on {end}, in {left} days; from then on calls and jobs are refused");
            found.warning("model-ends", about, problem, move_on);
            return;
        }
        _ if !model.legacy => return,
        _ => {}
    }
    let end = model.end_of_life.map(|end| format!(" and ends on {end}"));
    let price = model
        .extended_access
        .map(|from| format!(", and costs more from {from} on"));
    found.warning(
        "model-legacy",
        about,
        format!(
            "is legacy{}: accounts that have not asked it lately may be refused{}",
            end.unwrap_or_default(),
            price.unwrap_or_default()
        ),
        move_on,
    );
}
