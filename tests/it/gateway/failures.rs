//! The table of what clients get when there is no answer.

use expect_test::expect;
use zappa::gateway::{Failure, failure_response};
use zappa::model::FrontDoor;

use super::show;

#[test]
fn the_whole_table() {
    let mut table = String::new();
    for front_door in FrontDoor::ALL {
        for failure in Failure::ALL {
            let response = failure_response(front_door, failure, "ID");
            let body = String::from_utf8(response.body.to_vec()).unwrap();
            let body = body.split("<h1>").nth(1).and_then(|rest| rest.split("</h1>").next()).unwrap_or(&body);
            let error_type = response.headers.iter().find(|(name, _)| name == "x-amzn-errortype");
            let error_type = error_type.map(|(_, value)| format!(" [{}]", value.escape_ascii())).unwrap_or_default();
            table += &format!("{front_door} {failure:?}: {}{error_type} {body}\n", response.status);
        }
    }
    expect![[r#"
        rest Function: 502 [InternalServerErrorException] {"message": "Internal server error"}
        rest Malformed: 502 [InternalServerErrorException] {"message": "Internal server error"}
        rest ResponseTooLarge: 502 [InternalServerErrorException] {"message": "Internal server error"}
        rest RequestTooLarge: 413 [RequestTooLargeException] {"message":"Request Too Long"}
        rest HeadersTooLarge: 431 [BadRequestException] {"message":"HTTP header is larger than 10240 bytes."}
        rest GatewayTimeout: 504 [InternalServerErrorException] {"message": "Endpoint request timed out"}
        rest Throttled: 500 [InternalServerErrorException] {"message": "Internal server error"}
        rest BadRequest: 400 [BadRequestException] {"message":"Bad Request"}
        rest NoSuchRoute: 403 [MissingAuthenticationTokenException] {"message":"Missing Authentication Token"}
        http Function: 500 {"message":"Internal Server Error"}
        http Malformed: 500 {"message":"Internal Server Error"}
        http ResponseTooLarge: 500 {"message":"Internal Server Error"}
        http RequestTooLarge: 413 {"message":"Request Entity Too Large"}
        http HeadersTooLarge: 431 {"message":"Request Header Fields Too Large"}
        http GatewayTimeout: 503 {"message":"Service Unavailable"}
        http Throttled: 503 {"message":"Service Unavailable"}
        http BadRequest: 400 {"message":"Bad Request"}
        http NoSuchRoute: 404 {"message":"Not Found"}
        function-url Function: 502 Internal Server Error
        function-url Malformed: 502 Internal Server Error
        function-url ResponseTooLarge: 502 Internal Server Error
        function-url RequestTooLarge: 413 [RequestEntityTooLargeException] {"Type":"User","message":"Request must be smaller than 6291456 bytes for the InvokeFunction operation"}
        function-url HeadersTooLarge: 431 {"message":"Request Header Fields Too Large"}
        function-url GatewayTimeout: 504 Gateway Timeout
        function-url Throttled: 429 [TooManyRequestsException] {"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}
        function-url BadRequest: 400 {"message":"Bad Request"}
        function-url NoSuchRoute: 404 {"message":"Not Found"}
        alb Function: 502 502 Bad Gateway
        alb Malformed: 502 502 Bad Gateway
        alb ResponseTooLarge: 502 502 Bad Gateway
        alb RequestTooLarge: 413 413 Request Entity Too Large
        alb HeadersTooLarge: 400 400 Bad Request
        alb GatewayTimeout: 504 504 Gateway Time-out
        alb Throttled: 502 502 Bad Gateway
        alb BadRequest: 400 400 Bad Request
        alb NoSuchRoute: 404 404 Not Found
    "#]].assert_eq(&table);
}

#[test]
fn each_front_door_signs_its_failures() {
    let shown = FrontDoor::ALL.map(|front_door| show(&failure_response(front_door, Failure::Function, "ID")));
    expect![[r#"
        502
        content-type: application/json
        x-amzn-errortype: InternalServerErrorException
        x-amzn-requestid: ID
        x-amz-apigw-id: ID

        {\"message\": \"Internal server error\"}

        500
        content-type: application/json
        apigw-requestid: ID

        {\"message\":\"Internal Server Error\"}

        502
        content-type: application/json
        x-amzn-requestid: ID

        Internal Server Error

        502
        server: awselb/2.0
        content-type: text/html

        <html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"#]].assert_eq(&shown.join("\n\n"));
}
