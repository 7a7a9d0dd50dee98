//! Templates: recorded facts row by row, and that none runs longer or larger than its bounds. `oracle` has what Velocity
//! itself does.

use tidegate_core::limits;
use tidegate_core::velocity::{Arena, Overrides, Path, Place, Program, Surroundings, Why};

/// A request with a body and one parameter in each place.
struct Request(String);

impl Surroundings for Request {
    fn body(&self) -> &str {
        &self.0
    }
    fn parameters(&self, place: Place, each: &mut dyn FnMut(&str, &str)) {
        self.parameter(place, "id", &mut |value| each("id", value));
    }
    fn parameter(&self, place: Place, name: &str, found: &mut dyn FnMut(&str)) {
        match (place, name) {
            (Place::Path, "id") => found("7"),
            (Place::Query, "id" | "q") => found("from the query"),
            (Place::Header, "id" | "q" | "h") => found("from the header"),
            _ => {}
        }
    }
    fn stage_variables(&self, each: &mut dyn FnMut(&str, &str)) {
        each("tier", "gold");
    }
    fn stage_variable(&self, name: &str, found: &mut dyn FnMut(&str)) {
        if name == "tier" {
            found("gold");
        }
    }
    fn context(&self, name: &str, found: &mut dyn FnMut(&str)) {
        match name {
            "stage" => found("prod"),
            "identity.sourceIp" => found("192.0.2.7"),
            "requestTimeEpoch" => found("784111777000"),
            _ => {}
        }
    }
}

fn render(template: &str, body: &str) -> Result<String, Why> {
    let program = Program::compile(template).unwrap_or_else(|error| panic!("{template}: {error}"));
    let mut out = Vec::new();
    program
        .render(&Request(body.to_owned()), &mut Overrides::default(), &mut Arena::default(), &mut out)
        .map_err(|fault| fault.why)?;
    Ok(String::from_utf8(out).expect("UTF-8"))
}

#[track_caller]
fn check(rows: &[(&str, &str)]) {
    for (template, want) in rows {
        let body = r#"{"a":{"b":[1,{"c":"x/y"}]},"l":[],"n":null}"#;
        assert_eq!(render(template, body).as_deref(), Ok(*want), "{template}");
    }
}

/// Facts 34 to 48.
#[test]
fn what_is_unknown_is_the_empty_text() {
    check(&[
        ("#if($value)true#{else}false#end", "true"),
        ("#if(${a.b.c})x#end#if(!$undefined)y#end", "x"),
        ("#set($x = $input.path('$.n'))#if($x)t#end#if($x == $null)n#end#if($x == \"\")e#end", "tne"),
        ("#set($a = false)#if($a)x#end", ""),
        ("Hello $name, $!name, $user.name.first", "Hello , , "),
        ("Hello $ and # and #13ff93", "Hello $ and # and #13ff93"),
        ("#set($email = 'foo')\\$email \\\\$email \\#end", "$email \\foo #end"),
        ("#foreach($i in $nothing)x#end", ""),
        ("#set($i = 4)#foreach($i in [1..3])$i,#end$i", "1,2,3,4"),
        ("#set($x = \"a\")  #set($y = \"b\")\n$x$y", "ab"),
    ]);
}

/// Facts 49 to 58.
#[test]
fn the_language() {
    check(&[
        ("#foreach($i in [2..-2])$i #end", "2 1 0 -1 -2 "),
        ("#set($x = 100.0 / 50)$x #set($x = 3 % 2)$x #set($x = .05)$x", "2.010.05"),
        ("#define($x)$foreach.index#end#foreach($i in [1..3])$x#end", "012"),
        ("#define($hello)hi#end$hello()", "hi()"),
        ("#macro(blah)x#end#blah() #evaluate('$a') #return(1)", "#blah() #evaluate('$a') #return(1)"),
        ("#set($m = {})$m.put('k', 1)$m.put('k', 2)$m", "1{k=2}"),
        ("#set($m = {'b': 1, 'a': [true]})$m", "{b=1, a=[true]}"),
        ("a#stop b", "a"),
    ]);
}

/// Facts 59 to 68, 72 to 78.
#[test]
fn what_a_template_sees() {
    check(&[
        ("$input.path('$.a') $input.path('$.a.b')", "{b=[1,{\"c\":\"x\\/y\"}]} [1,{\"c\":\"x\\/y\"}]"),
        ("$input.json('$.a.b') $input.json('$.none')", "[1,{\"c\":\"x/y\"}] \"\""),
        ("$input.path('$.l')$input.path('$.n')$input.body.anything", "[]"),
        (
            "$input.params('id') $input.params('q') $input.params('h')$input.params('no')",
            "7 from the query from the header",
        ),
        (
            "#foreach($p in $input.params().keySet())$p $input.params().get($p);#end",
            "path {id=7};querystring {id=from the query};header {id=from the header};",
        ),
        ("$util.escapeJavaScript(\"it's\").replaceAll(\"\\\\'\",\"'\")", "it's"),
        (
            "$util.urlEncode('a b{') $util.parseJson('{\"message\":1}').message $util.base64Decode('aGk=')",
            "a+b%7B 1 hi",
        ),
        (
            "$stageVariables.tier $stageVariables['tier'] $stageVariables.none|$stageVariables",
            "gold gold |{tier=gold}",
        ),
        (
            "$context.stage $context.identity.sourceIp $context.requestTimeEpoch $context.none|",
            "prod 192.0.2.7 784111777000 |",
        ),
        (
            "$context.get(\"identity\")$context.requestOverride$context.identity.keySet().size() $context.keySet().contains('stage')",
            "12 true",
        ),
        (
            "#set($context.requestOverride.path.x = 'y')$context.requestOverride.path.x$context[\"requestOverride\"].path[\"x\"]",
            "yy",
        ),
    ]);
    assert_eq!(render("$input.body $input.path('$')", "").as_deref(), Ok("{} {}"));
    assert_eq!(render("$input.json('$')", "name=x").as_deref(), Ok("\"name=x\""));
    for broken in ["{a", "[a"] {
        assert_eq!(render("$input.path('$')", broken), Err(Why::Json), "{broken}");
    }
}

#[test]
fn overrides_are_kept_for_the_next_template() {
    let mut overrides = Overrides::default();
    let run = |template: &str, overrides: &mut Overrides| {
        let program = Program::compile(template).expect("a template");
        let mut out = Vec::new();
        let done = program.render(&Request(String::new()), overrides, &mut Arena::default(), &mut out);
        done.map(|()| String::from_utf8(out).expect("UTF-8"))
    };
    let set = "#set($context.responseOverride.status = 444)#set($context.requestOverride.header['A'] = 1.5)";
    run(set, &mut overrides).expect("rendered");
    assert_eq!(overrides.request("header").collect::<Vec<_>>(), [("A", "1.5")]);
    assert_eq!(overrides.status(), Some(444));
    run("#set($context.responseOverride.custom = $context.responseOverride.status + 1)", &mut overrides)
        .expect("rendered");
    let seen = run("$context.responseOverride.custom $context.requestOverride.header.A", &mut overrides);
    assert_eq!(seen.as_deref(), Ok("445 1.5"));
    for (status, want) in [("99", None), ("'abc'", None), ("600", None), ("'201'", Some(201))] {
        run(&format!("#set($context.responseOverride.status = {status})"), &mut overrides).expect("rendered");
        assert_eq!(overrides.status(), want, "{status}");
    }
}

#[test]
fn a_fault_says_where_and_leaves_nothing() {
    let program =
        Program::compile("text #set($context.responseOverride.status = 404)\n$input.path('$.l').get(3)")
            .expect("a template");
    let (mut overrides, mut out) = (Overrides::default(), b"before".to_vec());
    let request = Request("{\"l\":[1]}".to_owned());
    let fault =
        program.render(&request, &mut overrides, &mut Arena::default(), &mut out).expect_err("a fault");
    assert_eq!((fault.at, out.as_slice(), overrides.is_empty()), (69, b"before".as_slice(), true));
}

#[test]
fn no_template_runs_longer_or_larger_than_its_bounds() {
    let loops = "#foreach($i in [1..1000])".repeat(3) + "x" + &"#end".repeat(3);
    let bodies = "$input.body".repeat(1_000);
    let many =
        |what: &str| format!("#foreach($i in [1..1000])#foreach($j in [1..2])#set($p = {what})#end#end");
    let patterns = many("$input.body.matches(\"[a-z]{9}$i $j\")");
    let large_patterns = many("$input.body.matches(\"\\pL{20}$i$j\")");
    let paths = many("$input.path(\"$.l[?(@.a =~ /\\pL{20}$i/)]\")");
    let rows = [
        (loops.as_str(), Why::Steps),
        ("#foreach($i in [1..2000000000])x#end", Why::Steps),
        ("#set($s = 'ab')#foreach($i in [1..99])#set($s = $s + $s)#end", Why::Output),
        ("#set($s = 'ab')#foreach($i in [1..99])#set($s = \"$s$s\")#end", Why::Output),
        (
            "#set($s = 'ab')#foreach($i in [1..99])#set($s = $s.replaceAll('.', '$0$0'))#end",
            Why::Failed("the text becomes too long".to_owned()),
        ),
        ("#set($l = [1])#foreach($i in [1..99])#set($x = $l.addAll($l))#end", Why::Steps),
        (
            "#set($s = 'abcdefgh')#foreach($i in [1..20])#set($s = $s + $s)#end#foreach($i in [1..99])#set($t = $s.toUpperCase())#end",
            Why::Memory,
        ),
        (
            "#set($s = 'abcdefgh')#foreach($i in [1..17])#set($s = $s + $s)#end#set($l = [])#foreach($i in [1..1000])#set($x = $l.add(\"$i$s\"))#end",
            Why::Memory,
        ),
        ("#set($l = [])#set($x = $l.add([$l]))$l", Why::Depth),
        ("#set($m = {})#set($n = {'m': $m})#set($m.n = $n)$m", Why::Depth),
        ("#foreach($i in [1..1000])$input.body#end", Why::Output),
        (bodies.as_str(), Why::Output),
        (patterns.as_str(), Why::Steps),
        (large_patterns.as_str(), Why::Steps),
        (paths.as_str(), Why::Steps),
    ];
    for (template, want) in rows {
        let body = "x".repeat(100_000);
        assert_eq!(render(template, &body), Err(want), "{template}");
    }
}

/// Names that begin alike and are as long, and more of them than are looked through one by one.
#[test]
fn names_are_told_apart() {
    let body = r#"{"customer":1,"customeR":2,"customers":3,"a":4,"":5,"customer":6,"é":7}"#;
    let template =
        "$x.customer $x.customeR $x.customers $x.a $x.get('') $x['é'] $x.get('é') $x.custome|$x.size()";
    let want = "6 2 3 4 5 7 7 |6";
    assert_eq!(render(&format!("#set($x = $input.path('$')){template}"), body).as_deref(), Ok(want));
    let more: String = (0..20).map(|number| format!(",\"customer{number:02}\":{number}")).collect();
    let body = body.replace('}', &more) + "}";
    let template = "$x.customer $x.customeR $x.customer07 $input.path('$.customer19') $x.custome|$x.size()";
    assert_eq!(
        render(&format!("#set($x = $input.path('$')){template}"), &body).as_deref(),
        Ok("6 2 7 19 |26")
    );
}

/// Quotes and escapes among the first bytes of a text, where they are looked for eight at a time.
#[test]
fn short_texts_end_at_their_quotes() {
    let body =
        r#"{"a\"b":1,"c":"\"","d":"x\\","e":"","f":"1234567","g":"12345678","h":"\u00e9\"","i":'"',"j":"y"}"#;
    let template = "#foreach($e in $input.path('$').entrySet())$e.key=$e.value;#end";
    let want = "a\"b=1;c=\";d=x\\;e=;f=1234567;g=12345678;h=é\";i=\";j=y;";
    assert_eq!(render(template, body).as_deref(), Ok(want));
    assert_eq!(render("$input.path('$')", "{\"a\":\"b").as_deref(), Err(&Why::Json));
}

/// What is made again and again counts once.
#[test]
fn a_pattern_in_a_loop_is_made_once() {
    let template =
        "#set($s = ',')#foreach($i in [1..1000])#set($parts = $input.body.split($s))#end$parts.size()";
    assert_eq!(render(template, "a,b,c").as_deref(), Ok("3"));
}

#[test]
fn a_loop_ends_after_its_passes() {
    let passes = limits::FOREACH_PASSES_MAX;
    assert_eq!(render("#foreach($i in [1..5000])x#end", "").map(|text| text.len()), Ok(passes));
}

#[test]
fn what_nests_too_deep_is_no_template() {
    let deep = limits::TEMPLATE_DEPTH_MAX + 1;
    for template in [
        "#if(true)".repeat(deep) + &"#end".repeat(deep),
        format!("#set($x = {}1{})", "(".repeat(deep), ")".repeat(deep)),
        format!("#set($x = 1{})", "+1".repeat(deep)),
        format!("#set($x = {}true)", "!".repeat(deep)),
        format!("#set($x = {}{})", "[".repeat(deep), "]".repeat(deep)),
        format!("$x{}1{}", ".get($x".repeat(deep), ")".repeat(deep)),
        format!("$x{}0{}", "[$x".repeat(deep), "]".repeat(deep)),
    ] {
        let error = Program::compile(&template).expect_err("too deep");
        assert!(
            error.message.contains("deeper than") || error.message.contains("too many operators"),
            "{error}"
        );
    }
    let large = "x".repeat(limits::TEMPLATE_BYTES_MAX + 1);
    assert!(Program::compile(&large).is_err());
}

#[test]
fn a_large_document_is_read_and_found_in() {
    let keys: Vec<String> = (0..50_000).map(|number| format!("\"k{number}\":{number}")).collect();
    let body = format!("{{{},\"k7\":\"again\"}}", keys.join(","));
    assert_eq!(
        render("$input.path('$.k49999') $input.path('$').get('k7') $input.path('$').size()", &body)
            .as_deref(),
        Ok("49999 again 50000")
    );
    let deep = "[".repeat(limits::JSON_DEPTH_MAX + 1);
    assert_eq!(render("$input.path('$')", &deep), Err(Why::Json));
}

/// JSONPath where a mapping has it: texts as they are, all else as JSON, nothing for null.
#[test]
fn paths() {
    let body = r#"{"s":"t/x","o":{"b":[1,2,3]},"n":null,"l":[{"p":1,"k":"a"},{"p":2}]}"#;
    let find = |path: &str| {
        let mut out = Vec::new();
        let found = Path::parse(path).expect("a path").write(body, &mut Arena::default(), &mut out);
        found.expect("a document").then(|| String::from_utf8(out).expect("UTF-8"))
    };
    for (path, want) in [
        ("$.s", Some("t/x")),
        ("s", Some("t/x")),
        ("$['o']['b']", Some("[1,2,3]")),
        ("$.o.b[1:]", Some("[2,3]")),
        ("$.o.b[-2:]", Some("[2,3]")),
        ("$.o.b[0,2]", Some("[1,3]")),
        ("$.o.b[(@.length()-1)]", Some("3")),
        ("$..p", Some("[1,2]")),
        ("$.l[?(@.p > 1)].p", Some("[2]")),
        ("$.l[?(@.k)].k", Some("[\"a\"]")),
        ("$.l[?(@.k =~ /A/i || @.p == 2)].p", Some("[1,2]")),
        ("$.l[*].none", Some("[]")),
        ("$['s','n']", Some("{\"s\":\"t/x\",\"n\":null}")),
        ("$.n", None),
        ("$.none.x", None),
        ("$.s.x", None),
    ] {
        assert_eq!(find(path).as_deref(), want, "{path}");
    }
    for wrong in
        ["", "$x", "$.", "$..", "$.a b", "$[", "$['a", "$[x]", "$.a[?(@.b", "$.a[?(x)]", "$.a[?(@..b == 1)]"]
    {
        assert!(Path::parse(wrong).is_err(), "{wrong}");
    }
}
