use super::*;

#[test]
fn microseconds_are_always_written() {
    let clock = WallClock::from_offset(1_790_000_000_000_000_000);
    assert_eq!(clock.rfc3339(Timestamp(0)), "2026-09-21T14:13:20.000000Z");
    assert_eq!(clock.rfc3339(Timestamp(1_234_567)), "2026-09-21T14:13:20.001234Z");
    assert_eq!(clock.time_of_day(Timestamp(1_234_567)), "14:13:20.001");
}

#[test]
fn the_first_and_the_last_time_can_be_written() {
    assert!(
        WallClock::from_offset(i64::MAX)
            .rfc3339(Timestamp(u64::MAX))
            .starts_with("2846-")
    );
    assert!(
        WallClock::from_offset(i64::MIN)
            .rfc3339(Timestamp(0))
            .starts_with("1677-")
    );
}

#[test]
fn now_maps_the_clock_of_events_to_the_time_of_day() {
    let mapped = WallClock::now().utc(boottime()).as_nanosecond();
    let wall = i128::from(nanoseconds(clock_gettime(ClockId::Realtime)));
    assert!(
        (wall - mapped).abs() < 60_000_000_000,
        "more than a minute apart: {mapped} and {wall}"
    );
}
