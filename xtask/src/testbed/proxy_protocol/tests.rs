use super::*;

fn pair(v6: bool) -> (SocketAddr, SocketAddr) {
    let ip = |v4: &str| if v6 { format!("[::{}]", v4.len()) } else { v4.to_owned() };
    let address = |ip: String, port: u16| format!("{ip}:{port}").parse().unwrap();
    (address(ip("10.0.0.1"), 40_000), address(ip("10.0.0.22"), 80))
}

#[test]
fn a_line_of_text() {
    let (source, destination) = pair(false);
    let bytes = header(Version::V1, source, destination);
    assert_eq!(bytes, b"PROXY TCP4 10.0.0.1 10.0.0.22 40000 80\r\n");
}

#[test]
fn what_is_written_is_found_again_whole_and_in_pieces() {
    for v6 in [false, true] {
        let (source, destination) = pair(v6);
        for version in [Version::V1, Version::V2] {
            let bytes = header(version, source, destination);
            let followed = [bytes.clone(), b"GET / HTTP/1.1\r\n".to_vec()].concat();
            assert_eq!(length(&followed).unwrap(), Some(bytes.len()), "{version:?} {source}");
            assert!(bytes.len() < 16 || length(&bytes[..13]).unwrap().is_none());
            assert!(length(&bytes[..3]).unwrap().is_none());
        }
    }
    assert!(length(b"GET / HTTP/1.1\r\n").is_err());
}
