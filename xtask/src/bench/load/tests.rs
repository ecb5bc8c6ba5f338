use super::*;

#[test]
fn output_of_wrk_is_read() -> Result<()> {
    let text = "Running 2s test @ http://127.0.0.1:18080/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     2.92ms  689.29us  12.01ms   88.87%
    Req/Sec    22.03k     1.36k   24.38k    70.00%
  Latency Distribution
     50%    2.80ms
     75%    3.10ms
     90%    3.57ms
     99%  960.50us
  45103 requests in 2.02s, 11.10MB read
Requests/sec:  22328.22
";
    let result = parse(text)?;
    assert_eq!((result.requests, result.seconds), (45_103.0, 2.02));
    assert!((result.p99_ms - 0.9605).abs() < 1e-9);
    assert!(parse("connection refused").is_err());
    Ok(())
}

#[test]
fn own_clients_measure_too() -> Result<()> {
    use crate::testbed::plane::envoy::Envoy;
    use crate::testbed::rule::{prefix, route};
    use crate::testbed::{Plan, Testbed};
    let routes = [route("all", vec![prefix("/").to("v2")])];
    let bed = Testbed::start(&Plan::correct(&Envoy, &routes))?;
    let result = own(bed.address(), Duration::from_millis(300))?;
    assert!(result.requests > 64.0 && result.p99_ms > 0.0, "{result:?}");
    Ok(())
}
