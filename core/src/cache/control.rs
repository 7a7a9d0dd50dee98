//! What a request's `Cache-Control` asks for.

use crate::http1::RequestHead;

/// Whether a request asks for an answer that is not from the cache. AWS: `Cache-Control: max-age=0` does, and says of no
/// other directive that it has an effect.
pub(crate) fn asks_for_fresh(request: &RequestHead) -> bool {
    request.find(b"cache-control").any(|value| {
        value
            .split(|&byte| byte == b',')
            .any(|directive| directive.trim_ascii().eq_ignore_ascii_case(b"max-age=0"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::HeadLimits;

    #[track_caller]
    fn check(fields: &str, want: bool) {
        let mut head = RequestHead::new();
        head.buffer_mut().extend_from_slice(format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n").as_bytes());
        assert!(head.parse(&HeadLimits::default()).expect("a head").is_some());
        assert_eq!(asks_for_fresh(&head), want, "{fields}");
    }

    #[test]
    fn directives() {
        check("", false);
        check("Cache-Control: max-age=0\r\n", true);
        check("cache-control: no-store , Max-Age=0\r\n", true);
        check("Cache-Control: no-store\r\nCache-Control: max-age=0\r\n", true);
        check("Cache-Control: max-age=00\r\n", false);
        check("Cache-Control: max-age=10\r\n", false);
        check("Cache-Control: max-age = 0\r\n", false);
        check("Cache-Control: s-max-age=0\r\n", false);
        check("Cache-Control: no-cache\r\n", false);
        check("Pragma: no-cache\r\n", false);
    }
}
