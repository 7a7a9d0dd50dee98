//! Signature Version 4 against others: AWS's test suite, AWS's signer, another verifier, and requests changed by one byte.

#[path = "../support/sources.rs"]
mod sources;

mod case;
mod one_byte;
mod oracle;
mod suite;
mod verifier;
