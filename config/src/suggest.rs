//! "did you mean": the known name that is nearest to a wrong one.

/// Names listed when none is near; more would not be read.
const LISTED_MAX: usize = 12;

/// A help text: the nearest known name, or all of them if they are few.
pub(crate) fn suggest<'k>(wrong: &str, known: impl IntoIterator<Item = &'k str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(near) = nearest(wrong, &known).or_else(|| begun(wrong, &known)) {
        return Some(format!("did you mean `{near}`?"));
    }
    let listed = (1..=LISTED_MAX).contains(&known.len());
    listed.then(|| format!("known here: {}", known.join(", ")))
}

fn nearest<'k>(wrong: &str, known: &[&'k str]) -> Option<&'k str> {
    let edits_max = (wrong.chars().count() / 3).clamp(1, 8);
    let distances =
        known.iter().map(|name| (edit_distance(&wrong.to_lowercase(), &name.to_lowercase()), *name));
    let (distance, name) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= edits_max).then_some(name)
}

/// The only name that begins so.
fn begun<'k>(wrong: &str, known: &[&'k str]) -> Option<&'k str> {
    let mut begun = known.iter().filter(|name| wrong.len() >= 3 && name.starts_with(wrong));
    begun.next().filter(|_| begun.next().is_none()).copied()
}

/// Levenshtein distance with swaps of neighbours counted once (optimal string alignment). Names are short; a long one
/// is near nothing.
fn edit_distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    if left.len().abs_diff(right.len()) > 8 || left.len() > 128 {
        return usize::MAX;
    }
    let mut before = vec![0; right.len() + 1];
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for row in 1..=left.len() {
        let mut line = vec![row; right.len() + 1];
        for column in 1..=right.len() {
            let same = left[row - 1] == right[column - 1];
            let swapped = row > 1
                && column > 1
                && left[row - 1] == right[column - 2]
                && left[row - 2] == right[column - 1];
            let edit = 1 + above[column].min(line[column - 1]);
            let replace = above[column - 1] + usize::from(!same);
            let swap = if swapped { before[column - 2] + 1 } else { usize::MAX };
            line[column] = edit.min(replace).min(swap);
        }
        before = std::mem::replace(&mut above, line);
    }
    above[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        let rows =
            [("", "", 0), ("a", "", 1), ("adress", "address", 1), ("naem", "name", 1), ("abc", "xyz", 3)];
        for (left, right, want) in rows {
            assert_eq!(edit_distance(left, right), want, "{left} {right}");
        }
    }

    #[test]
    fn near_names_are_suggested_and_few_names_listed() {
        let known = ["address", "admin", "name"];
        assert_eq!(suggest("adress", known).unwrap(), "did you mean `address`?");
        assert_eq!(suggest("Name", known).unwrap(), "did you mean `name`?");
        assert_eq!(suggest("addr", known).unwrap(), "did you mean `address`?");
        assert_eq!(suggest("ad", known).unwrap(), "known here: address, admin, name");
        assert_eq!(suggest("quux", known).unwrap(), "known here: address, admin, name");
        assert_eq!(suggest("quux", []), None);
    }
}
