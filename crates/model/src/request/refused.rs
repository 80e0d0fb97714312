//! Chooses the next form of requests after the service has refused one.

use super::RequestBuilder;
use crate::enforcement::Enforcement;
use crate::form::{Parameter, RequestForm};
use crate::refused_part::{RefusedPart, is_about_both, lower_ceiling, named};

impl RequestBuilder {
    /// Returns the form to try after the service has refused `form` with `refusal`. `None` if the text names no part of
    /// the request that can be sent differently.
    ///
    /// No form is tried twice: each step moves to a later means of enforcement, leaves out one more parameter, or lowers
    /// the ceiling of tokens.
    pub fn form_after(&self, form: &RequestForm, refusal: &str) -> Option<RequestForm> {
        let all = named(refusal);
        all.iter()
            .find_map(|part| self.without(form, *part, &all, refusal))
    }

    /// Returns the form without a part that a refusal names. `None` if the part is not sent, or must be sent.
    fn without(
        &self,
        form: &RequestForm,
        part: RefusedPart,
        all: &[RefusedPart],
        refusal: &str,
    ) -> Option<RequestForm> {
        let is = |way: Enforcement| form.enforcement == way;
        match part {
            RefusedPart::ToolChoice if is(Enforcement::ForcedTool) => {
                self.later_way(form, |_| true)
            }
            RefusedPart::Tool
                if is(Enforcement::ForcedTool) && all.contains(&RefusedPart::ToolChoice) =>
            {
                self.later_way(form, |_| true)
            }
            RefusedPart::Tool if form.enforcement.has_tool() => {
                self.later_way(form, |way| !way.has_tool())
            }
            RefusedPart::StructuredOutput if is(Enforcement::StructuredOutput) => {
                self.later_way(form, |_| true)
            }
            // Both are members of one object. A service that does not know the object refuses all of it.
            RefusedPart::StructuredOutput | RefusedPart::Effort if self.effort(form).is_some() => {
                self.without_parameter(form, Parameter::Effort)
            }
            RefusedPart::Prefill if form.enforcement.is_prefilled() => {
                self.later_way(form, |_| true)
            }
            RefusedPart::Temperature | RefusedPart::TopP => {
                self.without_sampling(form, part, all, refusal)
            }
            RefusedPart::MaxTokens => {
                let lower = lower_ceiling(refusal, self.max_tokens(form)?)?;
                Some(RequestForm {
                    max_tokens: Some(lower),
                    ..form.clone()
                })
            }
            RefusedPart::Thinking if self.switches_thinking_off(form) => {
                self.without_parameter(form, Parameter::Thinking)
            }
            RefusedPart::System if self.system_turn(form).is_some() => {
                self.without_parameter(form, Parameter::System)
            }
            RefusedPart::Unknown
                if all == [RefusedPart::Unknown]
                    && (form.enforcement.has_tool() || is(Enforcement::StructuredOutput)) =>
            {
                self.later_way(form, |_| true)
            }
            _ => None,
        }
    }

    fn later_way(
        &self,
        form: &RequestForm,
        accepts: impl Fn(Enforcement) -> bool,
    ) -> Option<RequestForm> {
        let way = self
            .ways(form)
            .into_iter()
            .find(|way| *way > form.enforcement && accepts(*way))?;
        Some(RequestForm {
            enforcement: way,
            ..form.clone()
        })
    }

    fn without_sampling(
        &self,
        form: &RequestForm,
        part: RefusedPart,
        all: &[RefusedPart],
        refusal: &str,
    ) -> Option<RequestForm> {
        let has_both = self.temperature(form).is_some() && self.top_p(form).is_some();
        let names_both =
            all.contains(&RefusedPart::Temperature) && all.contains(&RefusedPart::TopP);
        let parameter = if has_both && names_both && is_about_both(refusal) {
            if self.settings.prefers_top_p() {
                Parameter::Temperature
            } else {
                Parameter::TopP
            }
        } else if part == RefusedPart::Temperature {
            self.temperature(form)?;
            Parameter::Temperature
        } else {
            self.top_p(form)?;
            Parameter::TopP
        };
        self.without_parameter(form, parameter)
    }

    /// Without the switch that turns thinking off, the model thinks and may not accept the form's means of enforcement.
    /// Then the form also moves to a later one.
    fn without_parameter(&self, form: &RequestForm, parameter: Parameter) -> Option<RequestForm> {
        let mut form = form.clone();
        form.without.insert(parameter);
        if self.takes(&form) {
            Some(form)
        } else {
            self.later_way(&form, |_| true)
        }
    }
}
