//! A bucket, divided among shards.

use super::super::{Rate, Share, Tokens};

/// Cuts a bucket with `tokens` in it into a part for each taker, in proportion to what they want, as far as its burst
/// reaches: each part must be able to hold one token.
pub(super) fn divide(rate: Rate, tokens: Tokens, takers: &[(usize, u64)], now_ns: u64) -> Vec<Share> {
    let burst = rate.burst();
    let takers = &takers[..takers.len().min(burst as usize)];
    let weights = || takers.iter().map(|(_, demand)| *demand);
    let total: u64 = weights().sum();
    let spare = burst - takers.len() as u32;
    let part = |weight: u64| (u128::from(spare) * u128::from(weight) / u128::from(total)) as u32;
    let mut bursts: Vec<u32> = weights().map(|weight| 1 + part(weight)).collect();
    bursts[0] += burst - bursts.iter().sum::<u32>();
    let held = fill(tokens, &bursts, &weights().collect::<Vec<_>>(), total);
    let parts = weights().zip(&bursts).map(|(weight, &burst)| rate.part(weight, total, burst));
    parts.zip(held).map(|(part, held)| Share::with(part, held, now_ns)).collect()
}

/// Divides tokens: one for each as far as they reach, then by weight, whole ones as far as possible, since a fraction at
/// each of two shards admits nobody.
fn fill(tokens: Tokens, bursts: &[u32], weights: &[u64], total: u64) -> Vec<Tokens> {
    let mut left = tokens;
    let mut held = vec![Tokens::default(); bursts.len()];
    let mut add = |held: &mut Tokens, burst: u32, wanted: Tokens| {
        let more = wanted.min(left).min(Tokens::whole(burst).minus(*held));
        left = left.minus(more);
        *held = held.plus(more);
        left
    };
    let mut rest = tokens;
    for (held, &burst) in held.iter_mut().zip(bursts) {
        rest = add(held, burst, Tokens::whole(rest.floor().min(1)));
    }
    for ((held, &burst), &weight) in held.iter_mut().zip(bursts).zip(weights) {
        add(held, burst, Tokens::whole(rest.part(weight, total).floor()));
    }
    // What is left fits somewhere, since all of it fits into all bursts together.
    for (held, &burst) in held.iter_mut().zip(bursts) {
        add(held, burst, Tokens::whole(burst));
    }
    held
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const S: u64 = 1_000_000_000;

    proptest! {
        /// The parts are never more than the whole, and all tokens are somewhere.
        #[test]
        fn parts_are_not_more_than_the_whole(
            per_second in 0.01_f64..2e6,
            burst in 1_u32..5000,
            demands in prop::collection::vec(1_u64..100_000, 2..16),
            part in 0_u64..=1000,
        ) {
            let rate = Rate::new(per_second, burst).expect("a rate");
            let tokens = Tokens::whole(burst).part(part, 1000);
            let takers: Vec<_> = demands.into_iter().enumerate().collect();
            let shares = divide(rate, tokens, &takers, S);
            prop_assert_eq!(shares.len(), takers.len().min(burst as usize));
            prop_assert!(shares.iter().map(|share| share.rate.burst()).sum::<u32>() <= burst);
            let rates: f64 = shares.iter().map(|share| 1.0 / share.rate.interval_ns() as f64).sum();
            prop_assert!(rates <= 1.0 / rate.interval_ns() as f64 * (1.0 + 1e-9));
            let held = shares.iter().fold(Tokens::default(), |sum, share| sum.plus(share.tokens(S)));
            prop_assert!(held <= tokens);
            // One unit of the interval for each share may be lost to rounding.
            let lost = tokens.minus(held);
            prop_assert!(lost <= Tokens::ONE.part(shares.len() as u64 * 2, rate.interval_ns()).plus(Tokens::ONE.part(1, 1000)));
        }
    }
}
