//! Policies and their statements.

use super::action::{Action, ActionSet};
use super::arn::ResourceSet;
use super::condition::Condition;
use super::facts::Facts;
use super::principals::{Meant, PrincipalSet};
use crate::auth::cidr::Bits;

/// What a statement does with what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "AWS's words")]
pub enum Effect {
    Allow,
    Deny,
}

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// Its name, for logs.
    pub sid: Option<Box<str>>,
    /// What it does.
    pub effect: Effect,
    /// Whom it is about; `None` in the policy of a principal, which is about that principal.
    pub principals: Option<PrincipalSet>,
    /// What it is about.
    pub actions: ActionSet,
    /// Which methods it is about.
    pub resources: ResourceSet,
    /// All of these have to hold.
    pub conditions: Vec<Condition>,
}

/// A policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// In the order of the document.
    pub statements: Vec<Statement>,
}

/// What a policy says. Statements are named by their position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A statement allows it, and none denies it.
    Allow {
        /// The first one.
        statement: u32,
        /// False when the caller is meant by its account alone.
        itself: bool,
    },
    /// A statement denies it.
    Deny {
        /// The first one.
        statement: u32,
    },
    /// No statement is about it.
    Silent,
}

impl Policy {
    /// What the policy says about an action on `{api}/{stage}/{VERB}/{path}`. A denial counts whatever else allows.
    pub fn decide(&self, action: Action, method: &[u8], facts: &Facts<'_>) -> Decision {
        let (mut decision, source_bits) = (Decision::Silent, facts.source_bits());
        for (position, statement) in self.statements.iter().enumerate() {
            let meant = statement.applies(action, method, facts, source_bits);
            let (number, itself) = (position as u32, meant == Meant::Itself);
            match (meant, statement.effect, decision) {
                (Meant::No, ..) => {}
                (_, Effect::Deny, _) => return Decision::Deny { statement: number },
                (_, Effect::Allow, Decision::Allow { itself: true, .. }) => {}
                (_, Effect::Allow, Decision::Allow { itself: false, .. }) if !itself => {}
                (_, Effect::Allow, _) => decision = Decision::Allow { statement: number, itself },
            }
        }
        decision
    }
}

impl Statement {
    /// The cheapest question first.
    fn applies(&self, action: Action, method: &[u8], facts: &Facts<'_>, source_bits: Option<Bits>) -> Meant {
        let may_be_about = self.actions.contains(action)
            && self.conditions.iter().all(|condition| condition.admits(source_bits));
        if !may_be_about || !self.resources.contains(method, facts) {
            return Meant::No;
        }
        let meant = self.principals.as_ref().map_or(Meant::Itself, |set| set.means(facts.principal));
        if meant != Meant::No && self.conditions.iter().all(|condition| condition.holds(facts)) {
            meant
        } else {
            Meant::No
        }
    }
}
