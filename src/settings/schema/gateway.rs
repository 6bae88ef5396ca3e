//! What stands before the function: API Gateway, Function URL, load balancer, and the domain.

use super::Preset::{Json, Unset};
use super::words;
use super::{Field, Key, Kind};

const TEXTS: Kind = Kind::List(&Kind::Text);

const URL_CORS: &[Field] = &[
    Field::new("allowedOrigins", TEXTS),
    Field::new("allowedHeaders", TEXTS),
    Field::new("allowedMethods", TEXTS),
    Field::new("allowCredentials", Kind::Bool),
    Field::new("exposedResponseHeaders", TEXTS),
    Field::new("maxAge", Kind::Integer(0, 86_400)),
];

const URL: &[Field] = &[Field::new("authorizer", Kind::Choice(&["NONE", "AWS_IAM"])), Field::new("cors", Kind::Table(URL_CORS))];

const BALANCER: &[Field] = &[
    Field::new("CertificateArn", words::ARN).required(),
    Field::new("SubnetIds", TEXTS).required(),
    Field::new("SecurityGroupIds", TEXTS),
    Field::new("Scheme", Kind::Choice(&["internet-facing", "internal"])),
];

pub(super) const DOOR_KEYS: &[Key] = &[
    Key::new(
        "apigateway_enabled",
        Kind::Bool,
        Json("true"),
        "true",
        "Whether API Gateway stands before the function. Off by itself when `function_url_enabled` or `alb_enabled` chooses another front door.",
    ),
    Key::new("use_apigateway", Kind::Bool, Json("true"), "true", "Whether API Gateway stands before the function.")
        .alias_of("apigateway_enabled"),
    Key::new(
        "apigateway_version",
        Kind::Choice(&["v1", "v2"]),
        Json("\"v1\""),
        "\"v2\"",
        "v1: REST API, payload 1.0. v2: HTTP API, payload 2.0.",
    ),
    Key::new("function_url_enabled", Kind::Bool, Json("false"), "true", "Whether a Function URL is the front door."),
    Key::new(
        "function_url_config",
        Kind::Table(URL),
        Json("{}"),
        "{ authorizer = \"AWS_IAM\" }",
        "Who may call the Function URL (locally everybody), and what it says to scripts of other origins, beside what the app says.",
    ),
    Key::new("function_url_domains", TEXTS, Json("[]"), "[]", "Domains of a CloudFront distribution before the Function URL.")
        .not_yet(&[], ""),
    Key::new("function_url_cloudfront_config", Kind::Map(&Kind::Any), Json("{}"), "{}", "Settings of that distribution.").not_yet(&[], ""),
    Key::new(
        "alb_enabled",
        Kind::Bool,
        Json("false"),
        "false",
        "Whether an Application Load Balancer is the front door. Not supported on AWS yet; the local target has it.",
    ),
    Key::new(
        "alb_vpc_config",
        Kind::Table(BALANCER),
        Json("{}"),
        "{ CertificateArn = \"arn:aws:acm:eu-central-1:123456789012:certificate/1234\", SubnetIds = [\"subnet-1\", \"subnet-2\"] }",
        "Network and certificate of the load balancer.",
    )
    .aws(),
];

const AUTHORIZER: &[Field] = &[
    Field::new("function", words::FUNCTION),
    Field::new("arn", words::FUNCTION_ARN),
    Field::new("type", Kind::Choice(&["TOKEN", "REQUEST", "COGNITO_USER_POOLS", "JWT"])),
    Field::new("name", Kind::Text),
    Field::new("token_header", Kind::Text),
    Field::new("result_ttl", Kind::Integer(0, 3600)),
    Field::new("validation_expression", Kind::Text),
    Field::new("provider_arns", Kind::List(&words::USER_POOL_ARN)),
    Field::new("issuer", words::ISSUER),
    Field::new("audience", TEXTS),
];

const CORS: &[Field] = &[
    Field::new("allowed_origin", Kind::Text),
    Field::new("allowed_origins", TEXTS),
    Field::new("allowed_headers", TEXTS),
    Field::new("allowed_methods", TEXTS),
    Field::new("expose_headers", TEXTS),
    Field::new("allow_credentials", Kind::Bool),
    Field::new("max_age", Kind::Integer(0, 86_400)),
];

const CORS_TABLE: Kind = Kind::Table(CORS);

/// The sizes that `CacheClusterSize` of the API knows.
const CACHE_SIZES: Kind = Kind::Number(&[0.5, 1.6, 6.1, 13.5, 28.4, 58.2, 118.0, 237.0]);

pub(super) const KEYS: &[Key] = &[
    Key::new("apigateway_description", Kind::Text, Unset, "\"The shop's API\"", "Description of the API.").aws(),
    Key::new("apigateway_policy", Kind::Text, Unset, "\"policy.json\"", "JSON file with a resource policy for the REST API, relative to this file.").aws(),
    Key::new("apigateway_lambda_qualifier", Kind::Text, Unset, "\"\"", "The version or alias that the API calls.")
        .not_yet(&["\"live\""], "every route points at the alias `live`"),
    Key::new(
        "endpoint_configuration",
        Kind::List(&Kind::Choice(&["EDGE", "REGIONAL", "PRIVATE"])),
        Json("[]"),
        "[\"REGIONAL\"]",
        "How the REST API is reached; one entry. Left out: `REGIONAL`.",
    )
    .aws(),
    Key::new("api_key_required", Kind::Bool, Json("false"), "true", "Whether clients of the REST API must send an API key.").aws(),
    Key::new("api_key", words::API_KEY, Unset, "\"0123456789abcdefghij\"", "The API key; left out, AWS makes one.").aws().secret(),
    Key::new("iam_authorization", Kind::Bool, Json("false"), "true", "Whether requests must be signed with AWS credentials.").aws(),
    Key::new(
        "authorizer",
        Kind::Table(AUTHORIZER),
        Json("{}"),
        "{ function = \"shop.auth.check\", token_header = \"Authorization\", result_ttl = 300 }",
        "Who decides whether a request may pass: a function of the project (`function`), another one (`arn`), Cognito user pools (`provider_arns`), \
         or whoever issued a JSON Web Token (`issuer`, `audience`). Left out, `type` follows from these: TOKEN for a function before a REST API, \
         REQUEST before an HTTP API.",
    )
    .aws()
    .secret(),
    Key::new(
        "cors",
        Kind::Either(&Kind::Bool, &CORS_TABLE),
        Json("false"),
        "{ allowed_origin = \"https://shop.example.com\", allowed_methods = [\"GET\"] }",
        "Whether API Gateway answers CORS preflight requests, and with what. A REST API leaves the other answers to the app, an HTTP API replaces \
         the app's headers.",
    ),
    Key::new("payload_compression", Kind::Bool, Json("true"), "true", "Whether the REST API compresses answers.").aws(),
    Key::new(
        "payload_minimum_compression_size",
        Kind::Integer(0, 10_485_760),
        Json("0"),
        "1024",
        "From how many bytes on answers are compressed.",
    )
    .aws(),
    Key::new("cache_cluster_enabled", Kind::Bool, Json("false"), "true", "Whether the REST API caches answers.").aws(),
    Key::new("cache_cluster_size", CACHE_SIZES, Json("0.5"), "0.5", "Size of that cache in GB.").aws(),
    Key::new("cache_cluster_ttl", Kind::Integer(0, 3600), Json("300"), "300", "For how many seconds an answer is kept there.").aws(),
    Key::new("cache_cluster_encrypted", Kind::Bool, Json("false"), "true", "Whether that cache is encrypted.").aws(),
    Key::new("cloudwatch_log_level", Kind::Choice(&["OFF", "ERROR", "INFO"]), Json("\"OFF\""), "\"ERROR\"", "What the REST API logs.")
        .aws(),
    Key::new(
        "cloudwatch_data_trace",
        Kind::Bool,
        Json("false"),
        "false",
        "Whether it logs whole requests and answers, with everything secret in them.",
    )
    .aws(),
    Key::new("cloudwatch_metrics_enabled", Kind::Bool, Json("false"), "true", "Whether it reports metrics for every method.").aws(),
];

pub(super) const DOMAIN_KEYS: &[Key] = &[
    Key::new("domain", words::DOMAIN, Unset, "\"shop.example.com\"", "The domain that the app is reached at, on AWS once `zappa certify` has seen to it."),
    Key::new("base_path", Kind::Text, Unset, "\"shop\"", "The path under that domain where the app begins; stages of a project can share a domain, each under its own."),
    Key::new("route53_enabled", Kind::Bool, Json("true"), "true", "Whether the domain's records are written where the account has a public hosted zone in Route 53 for it. If not, `zappa certify` shows them.").aws(),
    Key::new(
        "route53_health_checks",
        Kind::Bool,
        Json("true"),
        "true",
        "Of a stage in several regions: whether Route 53 asks each of them all the time whether it is well, and leads nobody to one that is not. A health \
         check costs some dollars a month for each region.",
    )
    .aws(),
    Key::new(
        "certificate_arn",
        words::ARN,
        Unset,
        "\"arn:aws:acm:eu-central-1:123456789012:certificate/1234\"",
        "The domain's certificate in AWS Certificate Manager, in the stage's region (us-east-1 for an edge-optimized domain), of which it can have one \
         only. Left out: one that covers the domain is found, or requested, in each region.",
    )
    .aws(),
    Key::new("certificate", Kind::Text, Unset, "\"shop.crt\"", "File with a certificate of your own (PEM), relative to this file. It is imported by `zappa certify`, and again whenever it has changed.").aws(),
    Key::new("certificate_key", Kind::Text, Unset, "\"shop.key\"", "File with its private key (PEM).").aws(),
    Key::new("certificate_chain", Kind::Text, Unset, "\"chain.pem\"", "File with the certificates in between (PEM).").aws(),
    Key::new("lets_encrypt_key", Kind::Text, Unset, "\"\"", "Account key for certificates from Let's Encrypt.").not_yet(
        &[],
        "`zappa certify` requests a certificate from AWS Certificate Manager, which costs nothing and renews itself",
    ),
];
