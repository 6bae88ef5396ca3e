//! Function URLs.

use expect_test::expect;
use serde_json::{Value, json};

use super::Stage;

#[test]
fn an_open_url_takes_two_permissions() {
    let stage = Stage::new("url", "function_url_enabled = true\n");
    let report = stage.deploy();
    assert!(report["url"].as_str().unwrap().ends_with(".lambda-url.eu-west-1.on.aws/"), "{report}");
    expect![[r#"
        lambda:AddPermission
        lambda:AddPermission
        lambda:CreateFunctionUrlConfig
        lambda:GetFunctionUrlConfig"#]]
    .assert_eq(&stage.names());
    expect![[r#"{"AuthType":"NONE"}"#]].assert_eq(&stage.body("lambda:CreateFunctionUrlConfig").to_string());
    let permissions: Vec<Value> =
        stage.calls().iter().filter(|call| call.operation == "AddPermission").map(crate::support::aws::Call::json).collect();
    assert_eq!(
        permissions,
        [
            json!({ "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE", "Principal": "*", "StatementId": "zappa-url" }),
            json!({ "Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": true, "Principal": "*", "StatementId": "zappa-url-invoke" }),
        ]
    );

    // Closed: nobody may call it without a signature any more.
    stage.settings("function_url_enabled = true\nfunction_url_config = { authorizer = \"AWS_IAM\", cors = { allowedOrigins = [\"https://a.example\"] } }\n");
    stage.deploy();
    expect![[r#"
        lambda:GetFunctionUrlConfig
        lambda:GetFunctionUrlConfig
        lambda:RemovePermission
        lambda:RemovePermission
        lambda:UpdateFunctionUrlConfig"#]]
    .assert_eq(&stage.names());
    expect![[r#"{"AuthType":"AWS_IAM","Cors":{"AllowHeaders":["*"],"AllowMethods":["*"],"AllowOrigins":["https://a.example"]},"InvokeMode":"BUFFERED"}"#]].assert_eq(&stage.body("lambda:UpdateFunctionUrlConfig").to_string());
}
