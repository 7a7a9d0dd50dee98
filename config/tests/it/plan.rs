//! What a document becomes.

use tidegate_core::integration::{HttpKind, Integration, Passthrough, Pattern, Piece, Target};
use tidegate_core::mapping::{Mapped, Source, Values};
use tidegate_core::method::{Method, RouteMethod};
use tidegate_core::plan::{Api, Origin, Plan};
use tidegate_core::route::PathParameters;

use crate::{MOCK, load_document};

fn plan(document: &str) -> Plan {
    let (folder, loaded) = load_document(document);
    loaded.unwrap_or_else(|findings| panic!("{}", folder.text(&findings))).plan
}

fn integration<'p>(api: &'p Api, method: Method, path: &str) -> &'p Integration {
    let mut parameters = PathParameters::new();
    let route = api.router.find(method, path.as_bytes(), &mut parameters).expect("a route");
    &api.stages[0].integrations[route.0 as usize]
}

const DOCUMENT: &str = r#"
openapi: 3.0.1
paths:
  /:
    get:
      operationId: Root
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: { application/json: '{"statusCode": 200}' }
        responses: { default: { statusCode: 200 } }
  /a/{b}/{c+}:
    x-amazon-apigateway-any-method:
      parameters:
        - { name: b, in: path }
        - { name: c, in: path }
        - { name: X-Id, in: header }
        - { name: q, in: query }
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: ANY
        uri: http://${stageVariables.host}/x/{c}?fixed=1&b={b}
        timeoutInMillis: 1234
        requestParameters:
          integration.request.path.c: method.request.path.c
          integration.request.path.b: method.request.multivalueheader.X-Id
          integration.request.querystring.z: method.request.querystring.q
          integration.request.header.Y: stageVariables.host
    get:
      x-amazon-apigateway-integration:
        type: http
        httpMethod: post
        uri: http://A.test
        passthroughBehavior: NEVER
        requestTemplates: { text/plain: fixed }
        responses:
          '4\d{2}':
            statusCode: 404
            responseParameters: { method.response.header.L: integration.response.header.Location }
            responseTemplates: { text/html: '<p>', application/json: null }
          default: { statusCode: '201' }
  /missing:
    get:
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: GET, uri: 'http://${stageVariables.x}/' }
    put:
      x-amazon-apigateway-integration: { type: http_proxy, httpMethod: GET, uri: 'http://a.TEST:80/other' }
    post:
      x-amazon-apigateway-integration:
        { type: http_proxy, httpMethod: GET, uri: 'http://a/', requestParameters: { integration.request.header.x-amzn-trace-id: "'x'" } }
"#;

#[test]
fn resources_routes_and_origins() {
    let plan = plan(DOCUMENT);
    let api = &plan.apis[0];
    let paths: Vec<_> = api.resources.iter().map(|resource| &*resource.path).collect();
    assert_eq!(paths, ["/", "/a/{b}/{c+}", "/missing"]);
    assert_eq!(api.resources[1].parameters, ["b", "c"]);
    let ids: std::collections::HashSet<_> = api.resources.iter().map(|resource| &resource.id).collect();
    assert_eq!(ids.len(), 3);
    let fits =
        |id: &str| id.len() == 6 && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    assert!(ids.iter().all(|id| fits(id)));
    let routes: Vec<_> = api.routes.iter().map(|route| (route.resource, route.method)).collect();
    let exactly = RouteMethod::Exactly;
    let want = [
        (0, exactly(Method::Get)),
        (1, exactly(Method::Get)),
        (1, RouteMethod::Any),
        (2, exactly(Method::Get)),
        (2, exactly(Method::Post)),
        (2, exactly(Method::Put)),
    ];
    assert_eq!(routes, want);
    assert_eq!(api.routes[0].operation_name.as_deref(), Some("Root"));
    let origin = |host: &str, port| Origin { host: host.into(), port, tls: None };
    assert_eq!(plan.origins, [origin("a.test", 80), origin("a.test", 8080)]);
}

#[test]
fn resource_ids_depend_on_the_path_only() {
    let ids = |document: &str| -> Vec<(String, String)> {
        let resources = plan(document).apis.remove(0).resources;
        resources.into_iter().map(|resource| (resource.path, resource.id)).collect()
    };
    let all = ids(DOCUMENT);
    assert_eq!(ids(MOCK)[0], all[0]);
    assert_eq!(all[0].1, ids(MOCK)[0].1);
}

#[test]
fn http_proxy() {
    let plan = plan(DOCUMENT);
    let Integration::Http(http) = integration(&plan.apis[0], Method::Put, "/a/1/2/3") else { panic!("http") };
    assert!(matches!(http.kind, HttpKind::Proxy));
    assert_eq!((&*http.host, http.method, http.timeout_ms), ("a.test:8080", None, 1234));
    assert_eq!(plan.origins[http.origin.0 as usize].port, 8080);
    let (mut path, mut query) = (Pattern::default(), Pattern::default());
    path.push_literal("/x/");
    path.push_placeholder("c", Source::Path(1));
    query.push_literal("fixed=1&b=");
    query.push_placeholder("b", Source::Header("X-Id".into(), Values::All));
    assert_eq!(http.target, Target::new(path, query));
    assert_eq!(*http.query, [Mapped { name: "z".into(), source: Source::Query("q".into(), Values::Last) }]);
    assert_eq!(*http.headers, [Mapped { name: "Y".into(), source: Source::StageVariable("host".into()) }]);
}

#[test]
fn http_custom() {
    let plan = plan(DOCUMENT);
    let Integration::Http(http) = integration(&plan.apis[0], Method::Get, "/a/1/2") else { panic!("http") };
    assert_eq!((&*http.host, http.method, http.timeout_ms), ("a.test", Some(Method::Post), 29_000));
    assert!(http.target.path().eq([Piece::Literal("/")]));
    let HttpKind::Custom(custom) = &http.kind else { panic!("custom") };
    let (request, responses) = (&custom.request, &custom.responses);
    assert_eq!(request.passthrough, Passthrough::Never);
    assert_eq!(request.templates[0].1.program().constant(), Some("fixed"));
    let response = responses.select(404).expect("a response");
    let location = Source::IntegrationHeader("Location".into(), Values::Last);
    assert_eq!(response.headers, [Mapped { name: "L".into(), source: location }]);
    let templates = response.templates.iter();
    let templates: Vec<_> = templates.map(|(name, text)| (&**name, text.program().constant())).collect();
    assert_eq!(templates, [("text/html", Some("<p>")), ("application/json", Some(""))]);
    assert_eq!((response.status, responses.select(500).map(|response| response.status)), (404, Some(201)));
}

#[test]
fn what_cannot_be_called_answers_500() {
    let plan = plan(DOCUMENT);
    let api = &plan.apis[0];
    assert!(matches!(integration(api, Method::Get, "/missing"), Integration::Misconfigured));
    assert!(matches!(integration(api, Method::Post, "/missing"), Integration::Misconfigured));
    assert!(matches!(integration(api, Method::Put, "/missing"), Integration::Http(_)));
}
