//! IAM policies, from JSON to decision: rows for every operator, key and element.

mod conditions;
mod elements;
mod request;
