use proptest::prelude::*;

use super::*;

/// A record that is written field by field, as the kernel side does.
struct Record(Vec<u8>);

impl Record {
    fn new(kind: u8, size: usize) -> Self {
        Self(vec![0; size])
            .put(offset_of!(RecordHeader, kind), &[kind])
            .put(0, &7u64.to_ne_bytes())
    }

    fn put(mut self, offset: usize, bytes: &[u8]) -> Self {
        self.0[offset..offset + bytes.len()].copy_from_slice(bytes);
        self
    }

    fn data(payload: &[u8], length: u32) -> Self {
        let captured = u32::try_from(payload.len()).unwrap();
        let header = size_of::<RecordHeader>();
        Self::new(kind::DATA, header + 256)
            .put(offset_of!(RecordHeader, position), &1000u32.to_ne_bytes())
            .put(offset_of!(RecordHeader, length), &length.to_ne_bytes())
            .put(offset_of!(RecordHeader, captured), &captured.to_ne_bytes())
            .put(header, payload)
    }

    fn opened(family: u16, local: &[u8], peer: &[u8]) -> Self {
        let addresses = offset_of!(OpenedRecord, addresses);
        Self::new(kind::OPENED, size_of::<OpenedRecord>())
            .put(addresses + offset_of!(Addresses, family), &family.to_ne_bytes())
            .put(addresses + offset_of!(Addresses, local), local)
            .put(addresses + offset_of!(Addresses, peer), peer)
            .put(addresses + offset_of!(Addresses, local_port), &80u16.to_ne_bytes())
            .put(addresses + offset_of!(Addresses, peer_port), &4242u16.to_ne_bytes())
            .put(offset_of!(OpenedRecord, role), &[ROLE_CONNECTED])
    }

    fn lost_ring(self, count: u32) -> Self {
        self.put(offset_of!(RecordHeader, lost_ring), &count.to_ne_bytes())
    }
}

fn decode(records: &[Record]) -> Vec<EventKind> {
    let mut decoder = Decoder::default();
    let mut events = Vec::new();
    for record in records {
        decoder.decode(&record.0, &mut events);
    }
    events.into_iter().map(|event| event.kind).collect()
}

fn lost(reason: LostReason, count: u64) -> EventKind {
    EventKind::Lost(Lost { reason, count })
}

#[test]
fn data_has_only_the_captured_bytes_of_its_record() {
    let events = decode(&[Record::data(b"GET / HTTP/1.1\r\n", 16)]);
    let [EventKind::Data(data)] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(
        (data.position, data.length, &data.bytes[..]),
        (1000, 16, &b"GET / HTTP/1.1\r\n"[..])
    );
    assert_eq!((data.direction, data.left_out), (Direction::Receive, None));
}

#[test]
fn whatever_is_missing_has_a_reason() {
    let silent = decode(&[Record::data(b"abc", 4)]);
    assert_eq!(silent, [lost(LostReason::Malformed, 1)]);
    let told = decode(&[Record::data(b"", 4).put(offset_of!(RecordHeader, left_out), &[left_out::FAULT])]);
    assert!(
        matches!(
            told.as_slice(),
            [EventKind::Data(Data {
                left_out: Some(LeftOut::Fault),
                ..
            })]
        ),
        "{told:?}"
    );
}

#[test]
fn losses_are_told_once_and_where_they_happened() {
    let events = decode(&[
        Record::new(kind::CLOSED, 48).lost_ring(2),
        Record::new(kind::CLOSED, 48).lost_ring(2),
        Record::new(kind::CLOSED, 48).lost_ring(5),
    ]);
    let closed = EventKind::Closed {
        socket: SocketCookie(0),
    };
    let full = |count| lost(LostReason::RingBufferFull, count);
    assert_eq!(events, [full(2), closed.clone(), closed.clone(), full(3), closed]);
}

#[test]
fn a_loss_told_by_the_table_is_not_told_again_by_a_record_that_was_reserved_before() {
    let mut decoder = Decoder::default();
    let mut events = Vec::new();
    decoder.note_losses((1 << 32) + 3, 1, &mut events);
    decoder.decode(&Record::new(kind::CLOSED, 48).lost_ring(2).0, &mut events);
    let kinds: Vec<_> = events.into_iter().map(|event| event.kind).collect();
    let closed = EventKind::Closed {
        socket: SocketCookie(0),
    };
    assert_eq!(
        kinds,
        [
            lost(LostReason::RingBufferFull, 3),
            lost(LostReason::TableFull, 1),
            closed
        ]
    );
}

#[test]
fn ends_are_ipv4_whichever_way_the_socket_spells_it() {
    let mapped = |last| [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, last];
    for record in [
        Record::opened(2, &[127, 0, 0, 1], &[127, 0, 0, 2]),
        Record::opened(10, &mapped(1), &mapped(2)),
    ] {
        let events = decode(&[record]);
        let [EventKind::Opened(opened)] = events.as_slice() else {
            panic!("{events:?}")
        };
        assert_eq!(opened.local, "127.0.0.1:80".parse().unwrap());
        assert_eq!(opened.peer, "127.0.0.2:4242".parse().unwrap());
        assert_eq!(opened.role, Role::Connected);
    }
    assert_eq!(decode(&[Record::opened(1, &[], &[])]), [lost(LostReason::Malformed, 1)]);
}

proptest! {
    #[test]
    fn no_record_makes_it_panic(record in prop::collection::vec(any::<u8>(), 0..200), kind in 0..11u8) {
        let mut record = record;
        if let Some(byte) = record.get_mut(offset_of!(RecordHeader, kind)) {
            *byte = kind;
        }
        let mut events = Vec::new();
        Decoder::default().decode(&record, &mut events);
        prop_assert!(!events.is_empty());
    }
}
