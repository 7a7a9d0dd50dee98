//! Requests as bytes, made before the run; what varies is put in while sending.

use std::sync::Arc;

use fastrand::Rng;

use super::choice::Choice;

/// Values of which one is put in per request.
#[derive(Clone, Debug)]
pub struct Values {
    values: Vec<Box<[u8]>>,
    choice: Choice,
}

impl Values {
    /// These, chosen so. There is at least one, and the choice is among as many.
    pub fn new(values: Vec<Box<[u8]>>, choice: Choice) -> Self {
        assert_eq!(values.len(), choice.len(), "a choice among as many");
        Self { values, choice }
    }

    /// Always this one.
    pub fn one(value: Box<[u8]>) -> Self {
        Self::new(vec![value], Choice::weighted(&[1.0]))
    }

    fn draw(&self, random: &mut Rng) -> &[u8] {
        &self.values[self.choice.draw(random)]
    }
}

/// A piece of a request.
#[derive(Clone, Debug)]
pub enum Part {
    /// Always the same.
    Bytes(Box<[u8]>),
    /// One of many.
    OneOf(Arc<Values>),
    /// Where the head ends: `Content-Length` and the body come from `bodies`, if there are any.
    EndOfHead(Option<Arc<Values>>),
}

/// One kind of request.
#[derive(Clone, Debug)]
pub struct Template {
    /// For the report: method and path.
    pub label: String,
    is_head: bool,
    shape: Shape,
}

#[derive(Clone, Debug)]
enum Shape {
    /// The same bytes each time, to keep the connection and to close it.
    Fixed { keep: Box<[u8]>, close: Box<[u8]> },
    /// Put together each time.
    Varying(Vec<Part>),
}

const CLOSE: &[u8] = b"connection: close\r\n";

impl Template {
    /// From its parts. Without anything to choose it is put together once and for all.
    pub fn new(label: String, is_head: bool, parts: Vec<Part>) -> Self {
        let varies = parts.iter().any(|part| match part {
            Part::Bytes(_) | Part::EndOfHead(None) => false,
            Part::OneOf(values) | Part::EndOfHead(Some(values)) => values.values.len() > 1,
        });
        let shape = if varies { Shape::Varying(parts) } else { Self::fixed(&parts) };
        Self { label, is_head, shape }
    }

    fn fixed(parts: &[Part]) -> Shape {
        let mut random = Rng::with_seed(0);
        let mut put_together = |close| {
            let mut bytes = Vec::new();
            write(parts, close, &mut random, &mut bytes);
            bytes.into_boxed_slice()
        };
        Shape::Fixed { keep: put_together(false), close: put_together(true) }
    }

    /// Whether it is a HEAD request: the answer has no body.
    pub fn is_head(&self) -> bool {
        self.is_head
    }

    /// The bytes of one request; `close` asks the target to close the connection after it.
    #[inline]
    pub fn bytes<'a>(&'a self, close: bool, random: &mut Rng, scratch: &'a mut Vec<u8>) -> &'a [u8] {
        match &self.shape {
            Shape::Fixed { keep, close: closing } => {
                if close {
                    closing
                } else {
                    keep
                }
            }
            Shape::Varying(parts) => {
                scratch.clear();
                write(parts, close, random, scratch);
                scratch
            }
        }
    }
}

fn write(parts: &[Part], close: bool, random: &mut Rng, out: &mut Vec<u8>) {
    for part in parts {
        match part {
            Part::Bytes(bytes) => out.extend_from_slice(bytes),
            Part::OneOf(values) => out.extend_from_slice(values.draw(random)),
            Part::EndOfHead(bodies) => {
                if close {
                    out.extend_from_slice(CLOSE);
                }
                let body = bodies.as_ref().map(|bodies| bodies.draw(random));
                if let Some(body) = body {
                    out.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
                }
                out.extend_from_slice(b"\r\n");
                out.extend_from_slice(body.unwrap_or_default());
            }
        }
    }
}

/// Kinds of requests and how often each is sent.
#[derive(Clone, Debug)]
pub struct Mix {
    templates: Vec<Template>,
    choice: Choice,
}

impl Mix {
    /// These templates with these weights; at least one weight is above zero.
    pub fn new(weighted: Vec<(f64, Template)>) -> Self {
        let (weights, templates): (Vec<f64>, Vec<Template>) = weighted.into_iter().unzip();
        Self { templates, choice: Choice::weighted(&weights) }
    }

    /// The template of the next request.
    #[inline]
    pub fn draw(&self, random: &mut Rng) -> &Template {
        &self.templates[self.choice.draw(random)]
    }

    /// All of them, with their shares.
    pub fn templates(&self) -> impl Iterator<Item = (f64, &Template)> {
        (0..self.templates.len()).map(|index| (self.choice.share(index), &self.templates[index]))
    }
}
