//! A connection that speaks TLS: its ClientHello is read from the socket, its messages from the plaintext that the gateway's
//! TLS library gives and takes, where that is probed.

use std::sync::Arc;

use gwobs_http::Chunk;
use gwobs_http::http1::{RequestStream, ResponseStream};
use gwobs_http::opening::Opening;
use gwobs_http::tls::{ClientHello, Records, Seen};
use gwobs_route::Inconclusive;

use super::Context;
use super::connection::{Phase, State};
use super::flow::{Flow, Reading};
use super::handshake::{self, Clue, Handshake, HandshakeFailure};
use crate::event::{Data, HandshakeOutcome, Plaintext, Role};
#[cfg(test)]
use crate::event::{SocketCookie, Timestamp};
use crate::exchange::{BODY_PREFIX, Connection, ExchangeEvent, Stamp, Tls};

/// A ClientHello that the process itself read or wrote.
#[derive(Debug, Clone)]
pub struct Hello {
    /// The connection.
    pub connection: Arc<Connection>,
    /// The name that the client asks for.
    pub server_name: Option<Arc<str>>,
    /// The client's random bytes.
    pub random: [u8; 32],
    /// The call that completed it.
    pub stamp: Stamp,
}

impl Hello {
    /// True if a client sent it to the gateway, false if the gateway sent it to a backend.
    #[must_use]
    pub fn is_from_client(&self) -> bool {
        self.connection.role == Role::Accepted
    }

    /// For tests.
    #[cfg(test)]
    pub(crate) fn example(random: u8, time: Timestamp, from_client: bool) -> Self {
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], 443));
        let connection = Connection {
            socket: SocketCookie(u64::from(random)),
            pid: 7,
            role: if from_client { Role::Accepted } else { Role::Connected },
            local: address,
            peer: address,
            preexisting: false,
            tls: None,
            missed: None,
        };
        Self {
            connection: Arc::new(connection),
            server_name: None,
            random: [random; 32],
            stamp: Stamp {
                time,
                ..Stamp::default()
            },
        }
    }
}

/// How far TLS is known on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Library {
    /// Nobody reads its plaintext.
    #[default]
    Unwatched,
    /// The library that moves its bytes is probed.
    Watched,
    /// Its plaintext is told.
    Told,
}

impl State {
    /// The connection begins with a TLS handshake.
    pub(super) fn begin_tls(&mut self, mut first: Reading, mut rest: Reading, context: &mut Context<'_>) {
        self.phase = Phase::Tls(Box::default());
        self.handshake = Handshake::Begun(None);
        self.describe_tls(None);
        self.read_records(&mut first, context);
        self.read_records(&mut rest, context);
    }

    /// Reads the records of the request direction.
    pub(super) fn read_records(&mut self, reading: &mut Reading, context: &mut Context<'_>) {
        loop {
            let Phase::Tls(records) = &mut self.phase else {
                return;
            };
            let [requests, _] = &mut **records;
            let seen = requests.take(take_chunk(reading));
            self.note_clue(&seen);
            if let Some(hello) = seen.hello {
                self.take_hello(hello, reading.stamp, context);
            }
            if seen.application_data && self.library == Library::Unwatched {
                self.handshake = Handshake::Over;
                if self.passes_on {
                    self.phase = Phase::PassedOn;
                    return;
                }
                return self.give_up(Inconclusive::Encrypted, reading, context);
            }
            if !reading.advance() {
                return;
            }
        }
    }

    /// Reads the records of the response direction, for what they tell of a failure.
    pub(super) fn read_response_records(&mut self, reading: &mut Reading) {
        loop {
            let Phase::Tls(records) = &mut self.phase else {
                return;
            };
            let [_, responses] = &mut **records;
            let seen = responses.take(take_chunk(reading));
            self.note_clue(&seen);
            if !reading.advance() {
                return;
            }
        }
    }

    fn note_clue(&mut self, seen: &Seen) {
        if let (Handshake::Begun(known), Some(clue)) = (&mut self.handshake, Clue::of(seen)) {
            known.get_or_insert(clue);
        }
    }

    /// The library says how the handshake ended.
    pub(super) fn on_handshake(&mut self, outcome: HandshakeOutcome, stamp: Stamp, context: &mut Context<'_>) {
        let known = match self.handshake {
            Handshake::Begun(known) => known,
            Handshake::None | Handshake::Over => None,
        };
        if let HandshakeOutcome::Failed { library, reason } = outcome {
            self.tell_failure(handshake::reported(library, reason, known), stamp, context);
        }
        self.handshake = Handshake::Over;
    }

    /// The connection ended; if its handshake did not, that failed.
    pub(super) fn end_handshake(&mut self, stamp: Stamp, context: &mut Context<'_>) {
        if let Handshake::Begun(known) = self.handshake {
            let reason = known.map_or("closed", Clue::reason);
            self.tell_failure(reason, stamp, context);
            self.handshake = Handshake::Over;
        }
    }

    /// Towards a backend it is an attempt that failed, as a connect is that fails: the gateway's answer is due to that.
    fn tell_failure(&self, reason: &'static str, stamp: Stamp, context: &mut Context<'_>) {
        context.failures.push(HandshakeFailure {
            side: self.about.role,
            reason,
        });
        if self.about.role == Role::Connected && !self.passes_on {
            (context.tell)(ExchangeEvent::ConnectFailed {
                pid: self.about.pid,
                peer: self.about.peer,
                began: self.began.unwrap_or(stamp),
            });
        }
    }

    /// A hello that no library took may go on to a backend.
    fn take_hello(&mut self, hello: ClientHello, stamp: Stamp, context: &mut Context<'_>) {
        let random = hello.random;
        self.describe_tls(Some(hello));
        if self.library == Library::Unwatched {
            context.hellos.push(Hello {
                connection: Arc::clone(&self.about),
                server_name: self.about.tls.as_ref().and_then(|tls| tls.server_name.clone()),
                random,
                stamp,
            });
        }
    }

    /// What is known of the handshake, for what comes later on the connection.
    fn describe_tls(&mut self, hello: Option<ClientHello>) {
        let server_name = hello.and_then(|hello| hello.server_name).map(Arc::from);
        let known = self.about.tls.as_ref().and_then(|tls| tls.server_name.clone());
        self.about = Arc::new(Connection {
            tls: Some(Tls {
                server_name: server_name.or(known),
            }),
            ..Connection::clone(&self.about)
        });
    }

    /// A library that is probed moved bytes on the socket.
    pub(super) fn on_ciphertext(&mut self, data: &Data, stamp: Stamp, begins_call: bool, context: &mut Context<'_>) {
        match self.library {
            // Of another thread, and late.
            Library::Told => return,
            Library::Watched => {}
            Library::Unwatched => {
                self.library = Library::Watched;
                if !matches!(self.phase, Phase::Opening(..) | Phase::Tls(_)) {
                    self.phase = Phase::Tls(Box::new([Records::midstream(), Records::midstream()]));
                }
            }
        }
        self.on_data(data, stamp, begins_call, context);
    }

    /// The plaintext is not told any more, else this would not be: what follows cannot be read.
    pub(super) fn lose_plaintext(&mut self, stamp: Stamp, context: &mut Context<'_>) {
        self.phase = Phase::Unreadable(Inconclusive::LostEvents);
        self.abandon(Inconclusive::LostEvents, context);
        self.unreadable(stamp, Inconclusive::LostEvents, context);
    }

    /// Plaintext of the connection.
    pub(super) fn on_plaintext(
        &mut self,
        plaintext: &Plaintext,
        stamp: Stamp,
        begins_call: bool,
        context: &mut Context<'_>,
    ) {
        if self.library != Library::Told {
            self.begin_plaintext(plaintext.from_start, context);
        }
        self.on_data(&plaintext.data, stamp, begins_call, context);
    }

    /// From here on the positions are those of the plaintext.
    fn begin_plaintext(&mut self, from_start: bool, context: &mut Context<'_>) {
        self.read(true, context);
        self.abandon(Inconclusive::Encrypted, context);
        self.library = Library::Told;
        self.handshake = Handshake::Over;
        self.describe_tls(None);
        let begin = from_start.then_some(0);
        self.phase = Phase::Opening(Opening::default(), None);
        self.request_flow = Flow::new(begin, context.losses);
        self.response_flow = Flow::new(begin, context.losses);
        self.requests = RequestStream::new(0);
        self.responses = ResponseStream::new(BODY_PREFIX);
        self.rest = None;
        self.doubt = None;
        self.unsolicited = false;
        self.switches_to_http2 = false;
        self.awaits_gap = false;
        self.proven = false;
        self.last_direction = None;
        if !from_start {
            self.join_midstream();
        }
    }
}

/// The part that is to be read now.
fn take_chunk(reading: &mut Reading) -> Chunk {
    std::mem::replace(&mut reading.chunk, Chunk::Gap(0))
}
