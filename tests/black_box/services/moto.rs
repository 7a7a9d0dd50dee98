//! The process that plays AWS: `moto_driver.py`.

use serde_json::Value;

use crate::support::driver::Driver;

/// moto, running; ends when dropped.
#[derive(Debug)]
pub(super) struct Moto {
    driver: Driver,
    pub(super) url: String,
    key: String,
    secret: String,
    pub(super) role: String,
    pub(super) powerless: String,
    pub(super) topic: String,
    pub(super) machine: String,
    pub(super) queue: String,
}

impl Moto {
    #[track_caller]
    pub(super) fn start() -> Self {
        let driver = Driver::start("services/moto_driver.py");
        let text = |name: &str| driver.text(name);
        Self {
            url: text("url"),
            key: text("key"),
            secret: text("secret"),
            role: text("role"),
            powerless: text("powerless"),
            topic: text("topic"),
            machine: text("machine"),
            queue: text("queue"),
            driver,
        }
    }

    /// The credentials that may do everything.
    pub(super) fn environment(&self) -> [(&str, &str); 2] {
        [("AWS_ACCESS_KEY_ID", &self.key), ("AWS_SECRET_ACCESS_KEY", &self.secret)]
    }

    /// Asks what has arrived.
    #[track_caller]
    pub(super) fn ask(&mut self, question: Value) -> Value {
        self.driver.order(&question)
    }
}
