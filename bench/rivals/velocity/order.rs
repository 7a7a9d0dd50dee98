//! The template that engines are compared by, and the order that it reads.

use tidegate_core::velocity::{Place, Surroundings};

pub(crate) const TEMPLATE: &str = include_str!("order.vtl");
pub(crate) const ORDER: &str = include_str!("order.json");

pub(crate) struct Order(pub(crate) String);

impl Surroundings for Order {
    fn body(&self) -> &str {
        &self.0
    }
    fn parameters(&self, _: Place, _: &mut dyn FnMut(&str, &str)) {}
    fn parameter(&self, _: Place, _: &str, _: &mut dyn FnMut(&str)) {}
    fn stage_variables(&self, _: &mut dyn FnMut(&str, &str)) {}
    fn stage_variable(&self, _: &str, found: &mut dyn FnMut(&str)) {
        found("gold");
    }
    fn context(&self, _: &str, found: &mut dyn FnMut(&str)) {
        found("00000000-0000-4001-8000-000000000002");
    }
}
