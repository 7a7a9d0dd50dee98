//! The stage between metering and caching: parameters, then the body (AWS: in this order, and only the first
//! failure is told).

use super::{Exchange, Metered, Reading, Routed, Step, Validated};
use crate::clock::Now;
use crate::http1::{BodyFraming, KnownField};
use crate::plan::Plan;
use crate::reject::Reject;
use crate::shard::Shard;
use crate::validation::{Invalid, Model, Validation, missing_message};

impl Exchange {
    /// Goes on if the request is as its method asks. A body that has a model is read first.
    pub(super) fn validate(&mut self, shard: &mut Shard, now: Now, metered: Metered) -> Step {
        let plan = self.plan();
        let Metered { routed } = metered;
        let Some(validation) = validation_of(&plan, routed) else {
            return self.look_up(shard, now, Validated { routed });
        };
        if !validation.missing(&self.values(&plan, "")).is_empty() {
            return self.refuse(shard, now, Reject::MissingParameters);
        }
        let Some(model) = validation.model(self.request.first(KnownField::ContentType)) else {
            return self.look_up(shard, now, Validated { routed });
        };
        let checked = match &self.body {
            Some(body) => model.check(body),
            None if self.request.framing() == BodyFraming::None => model.check(b""),
            None => {
                self.reading = Some(Reading::Validation(metered));
                return self.read_body(shard, now);
            }
        };
        self.go_on(shard, now, routed, checked)
    }

    /// The body is kept: the integration needs it, too.
    pub(super) fn validate_body(
        &mut self,
        shard: &mut Shard,
        now: Now,
        Metered { routed }: Metered,
        body: &[u8],
    ) -> Step {
        let plan = self.plan();
        let validation = validation_of(&plan, routed);
        let model: Option<&Model> =
            validation.and_then(|validation| validation.model(self.request.first(KnownField::ContentType)));
        let checked = model.map_or(Ok(()), |model| model.check(body));
        self.body = Some(body.to_vec());
        self.go_on(shard, now, routed, checked)
    }

    fn go_on(&mut self, shard: &mut Shard, now: Now, routed: Routed, checked: Result<(), Invalid>) -> Step {
        match checked {
            Ok(()) => self.look_up(shard, now, Validated { routed }),
            Err(Invalid(why)) => {
                self.invalid = Some(why);
                self.refuse(shard, now, Reject::InvalidBody)
            }
        }
    }

    /// The message about missing parameters.
    pub(super) fn missing_words(&self, plan: &Plan) -> Option<String> {
        let validation = validation_of(plan, self.routed?)?;
        Some(missing_message(&validation.missing(&self.values(plan, ""))))
    }
}

fn validation_of(plan: &Plan, routed: Routed) -> Option<&Validation> {
    plan.apis[routed.place.api].validation(routed.route)
}
