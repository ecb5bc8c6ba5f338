//! Requests, each with the answer that the specs make due. What is due is written by hand next to the request, so that
//! the tests do not compute it the way gwobs does.

/// A request as a client sends it.
#[derive(Debug, Clone)]
pub struct Request {
    /// Method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Host header.
    pub host: String,
    /// Other headers, in order.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Body,
}

/// A request's body; its bytes do not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// None, and no header about one.
    None,
    /// With a content length.
    Length(usize),
    /// Chunked.
    Chunked(usize),
}

/// What must happen to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// One of these backends answers.
    Backend(Vec<String>),
    /// The gateway answers by itself with this status.
    Gateway(u16),
    /// The gateway redirects.
    Redirect {
        /// 301 or 302.
        status: u16,
        /// The Location without its query, which a client's id may be part of.
        location: String,
    },
}

/// A request and what is due to it.
#[derive(Debug, Clone)]
pub struct Case {
    /// The request.
    pub request: Request,
    /// What is due.
    pub due: Due,
}

impl Case {
    /// The same where clients speak TLS: redirects keep the request's scheme.
    pub fn over_tls(mut self) -> Self {
        if let Due::Redirect { location, .. } = &mut self.due {
            *location = location.replacen("http://", "https://", 1);
        }
        self
    }
}

/// All of them where clients speak TLS.
pub fn over_tls(cases: Vec<Case>) -> Vec<Case> {
    cases.into_iter().map(Case::over_tls).collect()
}

/// A GET for a path, with or without query.
pub fn get(target: &str) -> Request {
    Request {
        method: "GET".to_owned(),
        target: target.to_owned(),
        host: "shop.example.com".to_owned(),
        headers: Vec::new(),
        body: Body::None,
    }
}

/// A POST with a body of so many bytes.
pub fn post(target: &str, body: Body) -> Request {
    Request {
        method: "POST".to_owned(),
        body,
        ..get(target)
    }
}

impl Request {
    /// With another Host.
    pub fn host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    /// With one more header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a header that makes the head `bytes` longer.
    pub fn padded(self, bytes: usize) -> Self {
        self.header("x-padding", &"p".repeat(bytes))
    }

    /// That asks for a WebSocket, with the key of RFC 6455's own example (section 1.3).
    pub fn websocket(self) -> Self {
        self.header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
    }

    /// With instructions to the backend.
    pub fn asking(self, instructions: &str) -> Self {
        self.header(super::backend::INSTRUCTIONS, instructions)
    }

    /// Due to this backend.
    pub fn due(self, backend: &str) -> Case {
        Case {
            request: self,
            due: Due::Backend(vec![backend.to_owned()]),
        }
    }

    /// Due to any of these backends.
    pub fn due_any(self, backends: &[&str]) -> Case {
        Case {
            request: self,
            due: Due::Backend(backends.iter().map(|&name| name.to_owned()).collect()),
        }
    }

    /// Due a redirect.
    pub fn due_redirect(self, status: u16, location: &str) -> Case {
        Case {
            request: self,
            due: Due::Redirect {
                status,
                location: location.to_owned(),
            },
        }
    }

    /// Due an answer of the gateway's own.
    pub fn due_status(self, status: u16) -> Case {
        Case {
            request: self,
            due: Due::Gateway(status),
        }
    }
}

/// Numbers that look random and are always the same.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new() -> Self {
        Self(1)
    }

    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % sides.max(1)
    }
}

/// `count` requests drawn from the cases, each about equally often, in an order that looks random and is always the same.
pub fn mixed(cases: &[Case], count: usize) -> Vec<Case> {
    let mut dice = Dice::new();
    (0..count)
        .filter_map(|_| cases.get(dice.roll(cases.len())).cloned())
        .collect()
}
