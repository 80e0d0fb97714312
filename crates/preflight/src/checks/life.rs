//! When a model ends.

use crate::facts::{Fact, Facts, ModelFacts};
use crate::finding::Findings;
use crate::subject::AskedModel;
use jiff::civil::Date;
use quarry_model::KnownModel;

/// How many days before a model's end the warnings begin.
const NOTICE_DAYS: i32 = 90;

/// The known dates of a model's end.
#[derive(Debug, Default)]
struct Life {
    legacy: bool,
    end: Option<Date>,
    extended_access: Option<Date>,
}

/// Checks a model's end. The account's facts take precedence over the table of models.
pub(crate) fn check(
    of_model: &ModelFacts,
    asked: &AskedModel,
    facts: &Facts,
    about: &str,
    found: &mut Findings,
) {
    let known = KnownModel::of(&asked.id);
    let in_table = known.model().end_of_life;
    let mut model = Life {
        end: in_table.and_then(|end| end.to_string().parse().ok()),
        ..Life::default()
    };
    if let Fact::Known(of_account) = &of_model.model {
        model.legacy = of_account.legacy;
        model.end = of_account.end_of_life.or(model.end);
        model.extended_access = of_account.extended_access;
    }
    let move_on = match known.successor() {
        Some(successor) => format!("move to a model that is active, such as {successor}"),
        None => "move to a model that is active (aws bedrock list-foundation-models)".to_owned(),
    };
    let days = |to: Date| facts.today.map(|today| (to - today).get_days());
    let left = model.end.and_then(|end| Some((end, days(end)?)));
    match left {
        Some((end, left)) if left < 0 => {
            let problem = format!("ended on {end}: calls and jobs are refused");
            found.error("model-ended", about, problem, &move_on);
            return;
        }
        Some((end, left)) if left <= NOTICE_DAYS => {
            let when = match left {
                0 => "today".to_owned(),
                1 => "tomorrow".to_owned(),
                days => format!("in {days} days"),
            };
            let problem =
                format!("ends on {end}, {when}; after that day calls and jobs are refused");
            found.warning("model-ends", about, problem, &move_on);
            return;
        }
        _ if !model.legacy => return,
        _ => {}
    }
    let end = model.end.map(|end| format!(" and ends on {end}"));
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
