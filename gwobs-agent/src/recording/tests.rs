use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use gwobs_common::counter::Counter;
use proptest::prelude::*;

use super::*;
use crate::event::{
    Data, Direction, EventKind, KernelEvent, LeftOut, Lost, LostReason, Opened, Role, SocketCookie, Timestamp,
    Transport, Unread,
};
use crate::output::{DataPlane, ObservedProcess, Ready};
use crate::specs::ManifestFile;

fn parameters() -> Parameters {
    Parameters {
        run: "a1".into(),
        gateways: vec!["infra/web".into()],
        ports: [(80, 10080)].into_iter().collect(),
        hold: 2_000_000_000,
        convergence_window: 10_000_000_000,
        redact: true,
        profile: None,
        clock_offset: 1_790_000_000_000_000_000,
    }
}

fn record(inputs: &[Input]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer = Writer::new(&mut file, &parameters()).unwrap();
    inputs.iter().for_each(|input| writer.write(input).unwrap());
    writer.flush().unwrap();
    drop(writer);
    file
}

fn replay(file: &[u8]) -> Result<Vec<Input>, ReadError> {
    let mut reader = Reader::new(file)?;
    let mut inputs = Vec::new();
    while let Some(input) = reader.read()? {
        inputs.push(input);
    }
    Ok(inputs)
}

fn socket() -> impl Strategy<Value = SocketCookie> {
    any::<u64>().prop_map(SocketCookie)
}

fn direction() -> impl Strategy<Value = Direction> {
    prop_oneof![Just(Direction::Receive), Just(Direction::Send)]
}

fn address() -> impl Strategy<Value = SocketAddr> {
    let v4 = any::<[u8; 4]>().prop_map(IpAddr::from);
    let v6 = any::<[u8; 16]>().prop_map(IpAddr::from);
    (prop_oneof![v4, v6], any::<u16>()).prop_map(SocketAddr::from)
}

fn left_out() -> impl Strategy<Value = Option<LeftOut>> {
    prop_oneof![
        Just(None),
        Just(Some(LeftOut::Skipped)),
        Just(Some(LeftOut::Window)),
        Just(Some(LeftOut::NotThisSocket)),
        Just(Some(LeftOut::NoBuffer)),
        Just(Some(LeftOut::Fault)),
        Just(Some(LeftOut::FrameData)),
    ]
}

fn data() -> impl Strategy<Value = EventKind> {
    let bytes = proptest::collection::vec(any::<u8>(), 0..64).prop_map(Bytes::from);
    (socket(), direction(), any::<u32>(), 64..u32::MAX, bytes, left_out()).prop_map(
        |(socket, direction, position, length, bytes, left_out)| {
            EventKind::Data(Data {
                socket,
                direction,
                position,
                length,
                bytes,
                left_out,
            })
        },
    )
}

fn opened() -> impl Strategy<Value = EventKind> {
    let role = prop_oneof![Just(Role::Accepted), Just(Role::Connected)];
    (
        socket(),
        role,
        address(),
        address(),
        any::<bool>(),
        any::<Option<(u32, u32)>>(),
    )
        .prop_map(|(socket, role, local, peer, preexisting, positions)| {
            EventKind::Opened(Opened {
                socket,
                role,
                local,
                peer,
                preexisting,
                positions,
            })
        })
}

fn lost() -> impl Strategy<Value = EventKind> {
    let reason = prop_oneof![
        Just(LostReason::RingBufferFull),
        Just(LostReason::TableFull),
        Just(LostReason::Malformed)
    ];
    (reason, any::<u64>()).prop_map(|(reason, count)| EventKind::Lost(Lost { reason, count }))
}

fn unread() -> impl Strategy<Value = EventKind> {
    let transport = prop_oneof![Just(Transport::Unix), Just(Transport::MultipathTcp)];
    let role = prop_oneof![Just(None), Just(Some(Role::Accepted)), Just(Some(Role::Connected))];
    let port = prop::option::of(1..=u16::MAX);
    let peer = prop::option::of((1..=u64::MAX).prop_map(SocketCookie));
    (socket(), transport, role, port, peer, any::<bool>()).prop_map(
        |(socket, transport, role, local_port, peer, own)| {
            EventKind::Unread(Unread {
                socket,
                transport,
                role,
                local_port,
                peer,
                own,
            })
        },
    )
}

fn kind() -> impl Strategy<Value = EventKind> {
    prop_oneof![
        data(),
        opened(),
        (socket(), address()).prop_map(|(socket, peer)| EventKind::Connecting { socket, peer }),
        (socket(), address()).prop_map(|(socket, peer)| EventKind::ConnectFailed { socket, peer }),
        (socket(), direction()).prop_map(|(socket, direction)| EventKind::HalfClosed { socket, direction }),
        socket().prop_map(|socket| EventKind::Closed { socket }),
        (any::<u32>(), "[ -~é]{0,15}").prop_map(|(parent, name)| EventKind::ProcessStarted { parent, name }),
        Just(EventKind::ProcessExited),
        lost(),
        unread(),
    ]
}

fn time() -> impl Strategy<Value = Timestamp> {
    any::<u64>().prop_map(Timestamp)
}

fn ready() -> impl Strategy<Value = Input> {
    (time(), any::<u32>(), "[ -~é]{0,15}").prop_map(|(time, pid, name)| {
        let process = ObservedProcess {
            pid,
            name,
            data_plane: DataPlane::Envoy,
        };
        Input::Ready(Ready {
            time,
            processes: vec![process],
            probes: vec!["a".into(), "b".into()],
        })
    })
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        4 => (time(), any::<u32>(), any::<u32>(), kind())
            .prop_map(|(time, pid, tid, kind)| Input::Event(KernelEvent { time, pid, tid, kind })),
        1 => ready(),
        1 => ("[ -~é]{0,40}", "[ -~é\n]{0,200}").prop_map(|(path, text)| Input::SpecFile(ManifestFile { path: std::path::Path::new(&path).into(), text })),
        1 => (proptest::sample::select(Counter::ALL), any::<u64>())
            .prop_map(|(counter, count)| Input::KernelError(counter, count)),
        1 => any::<(u32, u16)>().prop_map(|(pid, port)| Input::UnseenListener(pid, port)),
        1 => time().prop_map(Input::Specs),
        1 => time().prop_map(Input::Now),
        1 => time().prop_map(Input::Tick),
        1 => time().prop_map(Input::End),
    ]
}

proptest! {
    #[test]
    fn what_was_written_is_read(inputs in proptest::collection::vec(input(), 0..20)) {
        let file = record(&inputs);
        let reader = Reader::new(file.as_slice()).unwrap();
        prop_assert_eq!(reader.parameters(), &parameters());
        prop_assert_eq!(replay(&file).unwrap(), inputs);
    }

    #[test]
    fn a_file_that_was_cut_reads_up_to_there(
        inputs in proptest::collection::vec(input(), 1..8), cut in any::<proptest::sample::Index>(),
    ) {
        let file = record(&inputs);
        let start = record(&[]).len();
        let read = replay(&file[..start + cut.index(file.len() - start)]).unwrap();
        prop_assert!(read.len() < inputs.len());
        prop_assert_eq!(&read, &inputs[..read.len()]);
    }

    #[test]
    fn damaged_files_are_refused_or_read_without_panic(
        inputs in proptest::collection::vec(input(), 1..8),
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut file = record(&inputs);
        for (at, byte) in damage {
            let index = at.index(file.len());
            file[index] = byte;
        }
        let _ = replay(&file);
    }

    #[test]
    fn any_bytes_after_the_start_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut file = record(&[]);
        file.extend(bytes);
        let _ = replay(&file);
    }
}

#[test]
fn other_files_and_versions_are_told_apart() {
    assert!(matches!(
        replay(b"PK\x03\x04 something else"),
        Err(ReadError::NotARecording)
    ));
    assert!(matches!(replay(b""), Err(ReadError::NotARecording)));
    let mut file = record(&[]);
    file[8] = 9;
    assert_eq!(
        replay(&file).unwrap_err().to_string(),
        "the recording has format version 9, this gwobs reads version 1"
    );
}

#[test]
fn a_claim_of_much_memory_is_refused() {
    let mut file = record(&[]);
    file.extend([4, 0xff, 0xff, 0xff, 0xff, 0x7f]);
    assert!(matches!(replay(&file), Err(ReadError::TooLong { index: 1, .. })));
}

#[test]
fn more_bytes_than_were_moved_are_refused() {
    let data = |length| {
        let bytes = Bytes::from_static(b"abcd");
        let socket = SocketCookie(1);
        let data = Data {
            socket,
            direction: Direction::Send,
            position: 0,
            length,
            bytes,
            left_out: None,
        };
        Input::Event(KernelEvent {
            time: Timestamp(1),
            pid: 1,
            tid: 1,
            kind: EventKind::Data(data),
        })
    };
    assert!(replay(&record(&[data(4)])).is_ok());
    assert!(matches!(
        replay(&record(&[data(3)])),
        Err(ReadError::Malformed { index: 1, .. })
    ));
}
