//! IAM policies, from JSON to decision: rows for every operator, key and element, and another evaluator beside ours.

mod conditions;
mod elements;
mod oracle;
mod request;
