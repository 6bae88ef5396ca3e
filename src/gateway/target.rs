//! The request target: path and query, and their decoding.

use std::borrow::Cow;

use percent_encoding::percent_decode;

/// Path and query of a request line, still percent-encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target<'a> {
    path: &'a str,
    /// Without the question mark; empty if there is none, which no front door tells apart from a bare `?`.
    pub(super) query: &'a str,
}

impl<'a> Target<'a> {
    /// Takes any of the four forms of RFC 9112 section 3.2 apart. An authority before the path is dropped (the `Host` header carries it), and
    /// so is a fragment, which no client should have sent.
    pub(super) fn parse(target: &'a str) -> Self {
        let target = target.split_once('#').map_or(target, |(before, _)| before);
        let target = match target.split_once("://") {
            Some((scheme, rest)) if !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric()) => {
                rest.find(['/', '?']).map_or("", |start| &rest[start..])
            }
            _ => target,
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self { path, query }
    }

    /// The path with its leading slash, also where the request line had none (`*`, an empty path).
    pub(super) fn path(&self) -> Cow<'a, str> {
        if self.path.starts_with('/') { Cow::Borrowed(self.path) } else { Cow::Owned(format!("/{}", self.path)) }
    }

    /// The path as bytes behind the escapes, then as text. The event is JSON, so bytes that are not UTF-8 arrive as U+FFFD (assumed; `rawPath`
    /// of a Function URL still holds them).
    pub(super) fn decoded_path(&self) -> String {
        lossy(percent_decode(self.path().as_bytes()))
    }

    /// `rawPath` of an HTTP API. Captured: it is decoded, then cut at a question mark that this brought to light, then decoded once more;
    /// `None` where that second time meets a per cent sign without two digits, which the gateway answers with 400.
    /// (`%3F` cuts, `%252F` arrives as `/`, `%253F` as `?`, `%2525value` as `%value`, `%25done` is refused.)
    pub(super) fn http_api_path(&self) -> Option<String> {
        let path = self.path();
        let once: Cow<'_, [u8]> = percent_decode(path.as_bytes()).into();
        let once = once.split(|b| *b == b'?').next().unwrap_or_default();
        let whole = once.iter().enumerate().all(|(index, b)| {
            *b != b'%' || matches!(once.get(index + 1..index + 3), Some([high, low]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
        });
        whole.then(|| lossy(percent_decode(once)))
    }

    /// The query's parameters, undecoded, in order. A key without `=` has an empty value; nothing between two separators is no parameter.
    pub(super) fn parameters(&self, separators: &'static [char]) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.query
            .split(move |c| separators.contains(&c))
            .filter(|part| !part.is_empty())
            .map(|part| part.split_once('=').unwrap_or((part, "")))
    }
}

/// Decodes a key or value of a query: `+` is a space, bytes that are not UTF-8 become U+FFFD (the event is JSON).
pub(super) fn decode_parameter(text: &str) -> String {
    lossy(percent_decode(text.replace('+', " ").as_bytes()))
}

fn lossy(decoded: percent_encoding::PercentDecode<'_>) -> String {
    decoded.decode_utf8_lossy().into_owned()
}
