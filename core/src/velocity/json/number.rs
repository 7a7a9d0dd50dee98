//! Numbers.

use super::super::java::number;
use super::super::value::Value;
use super::{JsonError, Reader, Stops, trim};

impl<'a> Reader<'a> {
    /// A number, or a text that starts like one.
    #[inline(always)]
    pub(super) fn number(&mut self, stops: Stops) -> Result<Value<'a>, JsonError> {
        match self.short_integer(stops) {
            Some(number) => Ok(Value::Int(number)),
            None => self.long_number(stops),
        }
    }

    #[inline(never)]
    fn long_number(&mut self, stops: Stops) -> Result<Value<'a>, JsonError> {
        let start = self.at;
        self.at += 1;
        self.skip_digits();
        let mut is_float = false;
        if self.next() == Some(b'.') {
            is_float = true;
            self.at += 1;
            self.skip_digits();
        }
        if matches!(self.next(), Some(b'e' | b'E')) {
            self.at += 1;
            if !matches!(self.next(), Some(b'+' | b'-' | b'0'..=b'9')) {
                return Ok(Value::Text(self.unquoted(start, stops)));
            }
            is_float = true;
            self.at += 1;
            self.skip_digits();
        }
        self.skip_space();
        let ends = self.next().is_none_or(|byte| byte >= b'~' || stops.contain(byte));
        if !ends {
            return Ok(Value::Text(self.unquoted(start, stops)));
        }
        let text = trim(&self.text[start..self.at]);
        Ok(if is_float { number::decimal(self.heap, text) } else { number::integer(self.heap, text) }?
            .unwrap_or(Value::Text(text)))
    }

    /// A number of at most nine digits right before a stop, as most are.
    #[inline(always)]
    fn short_integer(&mut self, stops: Stops) -> Option<i32> {
        let bytes = self.text.as_bytes();
        let is_negative = self.next() == Some(b'-');
        let start = self.at + usize::from(is_negative);
        let (mut at, mut number) = (start, 0);
        while let Some(digit @ b'0'..=b'9') = bytes.get(at) {
            if at - start == 9 {
                return None;
            }
            number = number * 10 + i32::from(digit - b'0');
            at += 1;
        }
        let ends = at > start && bytes.get(at).is_some_and(|stop| stops.contain(*stop));
        if !ends {
            return None;
        }
        self.at = at;
        Some(if is_negative { -number } else { number })
    }

    fn skip_digits(&mut self) {
        while self.next().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }
}
