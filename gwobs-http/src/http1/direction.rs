//! What differs between the two directions of a connection.

use bytes::Bytes;

use super::framing::Framing;
use super::head::HeadBuffer;
use super::item::Fault;
use super::{request, response, resync};
use crate::{RequestHead, ResponseHead};

/// What differs between the directions.
pub(super) trait Direction {
    type Head: Status;
    /// Whether the first bytes of a head can be that.
    fn may_begin(bytes: &[u8]) -> bool;
    /// Whether a start line without its line end is one.
    fn is_start_line(line: &[u8]) -> bool;
    fn parse(head: HeadBuffer, method: Option<&[u8]>) -> Result<(Self::Head, Framing), Fault>;
    /// The method of an unfinished head.
    fn method_of(bytes: &[u8]) -> Option<Bytes>;
    /// As [`Direction::may_begin`], for a desynchronised stream.
    fn may_resume(bytes: &[u8]) -> bool;
    /// Whether a line with its line end is a start line, for a desynchronised stream.
    fn is_strict_start_line(line: &[u8]) -> bool;
    /// Whether a head found by a desynchronised stream is to be believed.
    fn is_plausible(head: &Self::Head) -> bool;
}

/// Whether a head is an interim response.
pub(super) trait Status {
    fn is_interim(&self) -> bool;
}

impl Status for RequestHead {
    fn is_interim(&self) -> bool {
        false
    }
}

impl Status for ResponseHead {
    fn is_interim(&self) -> bool {
        self.status < 200 && self.status != 101
    }
}

#[derive(Debug)]
pub(super) struct Requests;

impl Direction for Requests {
    type Head = RequestHead;

    fn may_begin(bytes: &[u8]) -> bool {
        request::may_begin(bytes)
    }

    fn is_start_line(line: &[u8]) -> bool {
        request::split_line(line).is_some()
    }

    fn parse(head: HeadBuffer, _: Option<&[u8]>) -> Result<(RequestHead, Framing), Fault> {
        request::parse(head)
    }

    fn method_of(bytes: &[u8]) -> Option<Bytes> {
        request::method_of(bytes)
    }

    fn may_resume(bytes: &[u8]) -> bool {
        resync::may_begin_request(bytes)
    }

    fn is_strict_start_line(line: &[u8]) -> bool {
        resync::is_request_line(line)
    }

    fn is_plausible(head: &RequestHead) -> bool {
        resync::is_plausible_request(head)
    }
}

#[derive(Debug)]
pub(super) struct Responses;

impl Direction for Responses {
    type Head = ResponseHead;

    fn may_begin(bytes: &[u8]) -> bool {
        response::may_begin(bytes)
    }

    fn is_start_line(line: &[u8]) -> bool {
        response::split_line(line).is_some()
    }

    fn parse(head: HeadBuffer, method: Option<&[u8]>) -> Result<(ResponseHead, Framing), Fault> {
        response::parse(head, method)
    }

    fn method_of(_: &[u8]) -> Option<Bytes> {
        None
    }

    fn may_resume(bytes: &[u8]) -> bool {
        resync::may_begin_response(bytes)
    }

    fn is_strict_start_line(line: &[u8]) -> bool {
        resync::is_status_line(line)
    }

    fn is_plausible(head: &ResponseHead) -> bool {
        resync::is_plausible_response(head)
    }
}
