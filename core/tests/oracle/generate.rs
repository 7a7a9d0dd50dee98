//! Random templates: mostly valid ones, with all that matters to white space, escapes and values.

/// A template and a body for a seed.
pub(crate) fn template(seed: u64) -> (String, &'static str) {
    let mut generator =
        Generator { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, out: String::new(), depth: 0 };
    generator.next();
    let body = *generator.pick(&BODIES);
    let statements = generator.below(12) + 1;
    generator.statements(statements);
    // The oracle remembers the names of macros from one template to the next.
    (generator.out.replace("MACRO", &format!("m{seed}")), body)
}

const BODIES: [&str; 8] = [
    r#"{"a":{"b":[1,2,{"c":"x/y"}],"d":1.5,"e":null},"s":"str","l":[3,1,2],"t":true}"#,
    r#"[{"n":1,"s":"a"},{"n":2,"s":"b","l":[]},{"n":3}]"#,
    "",
    "some raw data",
    r#"{"u":"\u00e4\n\"\\/","big":123456789012345678901234567890,"f":1e-7,"neg":-0.5,"long":12345678901}"#,
    "{'a':'single',b:unquoted, \"c\" : [1,,2,],}",
    r#"{"a":[{"p":8.95,"t":"x","i":"1"},{"p":22.99,"t":"y"}],"e":10}"#,
    "{a",
];

struct Generator {
    state: u64,
    out: String,
    depth: usize,
}

impl Generator {
    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 11) % limit
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn pick<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        &list[self.below(list.len() as u64) as usize]
    }

    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn put_one(&mut self, list: &[&str]) {
        let text = *self.pick(list);
        self.put(text);
    }

    fn statements(&mut self, count: u64) {
        for _ in 0..count {
            self.statement();
        }
    }

    fn nested(&mut self) {
        let count = self.below(4);
        self.statements(count);
    }

    fn statement(&mut self) {
        self.depth += 1;
        match self.below(if self.depth > 4 { 8 } else { 16 }) {
            0 | 1 => self.put_one(&TEXTS),
            2 => self.put_one(&SPECIAL),
            3..=5 => self.reference(),
            6 | 7 => self.set(),
            8 | 9 => self.if_statement(),
            10 | 11 => self.foreach(),
            12 => {
                self.put("#define($d)");
                self.nested();
                self.put_one(&["#end", "#{end}"]);
                self.put_one(&["$d", "", "$d $d"]);
            }
            13 => {
                self.put_one(&["#[[", "##", "#*", "#**"]);
                self.put_one(&TEXTS);
                self.put_one(&SPECIAL);
                self.put_one(&["]]#", "\n", "*#", "*#"]);
            }
            14 => self.put_one(&[
                "#stop",
                "#break",
                "#macro(MACRO $x)a#end",
                "#MACRO(1)",
                "\\#MACRO(1)",
                "#foo",
                "#evaluate('a')",
                "#@foo() b#end",
            ]),
            _ => {
                self.put("#literal()");
                self.nested();
                self.put("#end");
            }
        }
        if self.chance(30) {
            self.put_one(&[" ", "\n", "  \n", "\n  ", "\t", "\r\n"]);
        }
        self.depth -= 1;
    }

    fn set(&mut self) {
        self.put_one(&["#set($", "#set( $", "  #set($", "#{set}($", "#set ($"]);
        self.put_one(&["a", "b", "c", "m", "l", "s", "m.k", "m['q']", "l[0]", "m.k.j"]);
        self.put_one(&["=", " = ", "= "]);
        self.expression();
        self.put_one(&[")", ")\n", " )", ")  \n", ") x"]);
    }

    fn if_statement(&mut self) {
        self.put_one(&["#if(", "#{if}(", "#if (", "#if( "]);
        self.expression();
        self.put_one(&[")", ")\n", " )"]);
        self.nested();
        if self.chance(20) {
            self.put("#elseif(");
            self.expression();
            self.put(")");
            self.nested();
        }
        if self.chance(40) {
            self.put_one(&["#else ", "#{else}", "#else\n"]);
            self.nested();
        }
        self.put_one(&["#end", "#{end}", "#end\n", "#end  \n"]);
    }

    fn foreach(&mut self) {
        self.put_one(&["#foreach($i in ", "#foreach( $i in ", "#foreach($a in "]);
        self.value();
        self.put_one(&[")", ")\n", " )"]);
        self.put_one(&[
            "$i",
            "",
            "$foreach.count",
            "$velocityCount ",
            "$foreach.index$foreach.hasNext",
            "$i.key=$i.value",
        ]);
        self.nested();
        self.put_one(&[
            "#end",
            "#{end}",
            "#if($foreach.hasNext),#end#end",
            "#if($foreach.last)#break#end#end",
        ]);
    }

    fn expression(&mut self) {
        self.depth += 1;
        if self.depth > 6 || self.chance(50) {
            self.value();
        } else if self.chance(15) {
            self.put_one(&["!", "! ", "not "]);
            self.value();
        } else if self.chance(20) {
            self.put("(");
            self.expression();
            self.put(")");
        } else {
            self.value();
            self.put_one(&[
                " + ", "+", " - ", " * ", "/", " % ", " == ", " != ", " < ", ">", " >= ", "<=", " && ",
                " || ", " and ", " or ", " eq ", " ne ", " lt ", " gt ",
            ]);
            self.expression();
        }
        self.depth -= 1;
    }

    fn value(&mut self) {
        self.depth += 1;
        match self.below(if self.depth > 6 { 9 } else { 14 }) {
            0 => self.put_one(&["1", "0", "-3", "42", "2147483647", "9999999999", "7"]),
            1 => self.put_one(&["1.5", "0.0", "-2.25", "1e3", ".5", "100000000.0", "0.0001"]),
            2 => self.put_one(&["true", "false"]),
            3 | 4 => self.put_one(&STRINGS),
            5..=8 => self.reference(),
            9 => {
                self.put("[");
                for position in 0..self.below(4) {
                    self.put(if position > 0 { ", " } else { "" });
                    self.value();
                }
                self.put("]");
            }
            10 => {
                self.put("{");
                for position in 0..self.below(4) {
                    self.put(if position > 0 { ", " } else { "" });
                    self.put_one(&["'k'", "\"q\"", "1", "$s", "'x y'"]);
                    self.put_one(&[":", " : "]);
                    self.value();
                }
                self.put("}");
            }
            11 => self.put_one(&["[1..3]", "[ 3 .. 1 ]", "[-1..1]", "[$a..3]", "[1..$b]"]),
            12 => {
                self.put("\"");
                self.put_one(&["a", " ", "", "x$", "é"]);
                self.put_one(&[
                    "$a",
                    "${b}",
                    "$!s.length()",
                    "$m.k",
                    "#if($a)t#end",
                    "#set($c = 1)",
                    "\\$a",
                    "$u.v",
                ]);
                self.put_one(&["a", " ", "", "##", "#"]);
                self.put("\"");
            }
            _ => self.put_one(&JSON),
        }
        self.depth -= 1;
    }

    fn reference(&mut self) {
        if self.chance(6) {
            self.put_one(&["\\", "\\\\", "\\\\\\", "$", "#", "$!"]);
        }
        if self.chance(20) {
            return self.put_one(&JSON);
        }
        let formal = self.chance(25);
        self.put_one(if formal { &["${", "$!{"] } else { &["$", "$", "$!"] });
        self.put_one(&["a", "b", "c", "m", "l", "s", "u", "i", "d", "input", "foreach", "util"]);
        for _ in 0..self.below(3) {
            match self.below(10) {
                0..=2 => self.put_one(&[".k", ".body", ".empty", ".a", ".value", ".index", ".x-y", ".q"]),
                3 => self.put_one(&["[0]", "[-1]", "['k']", "[$a]", "[ 1 ]", "[\"q\"]"]),
                _ => {
                    self.put(".");
                    let (name, arguments) = *self.pick(&METHODS);
                    self.put(name);
                    self.put("(");
                    for position in 0..arguments {
                        self.put(if position > 0 { ", " } else { "" });
                        self.argument(name);
                    }
                    self.put(")");
                }
            }
        }
        self.put(if formal { "}" } else { "" });
    }

    fn argument(&mut self, method: &str) {
        match method {
            "matches" | "replaceAll" | "split" | "replaceFirst" => self.put_one(&PATTERNS),
            "substring" | "charAt" | "get" | "remove" if self.chance(70) => {
                self.put_one(&["0", "1", "2", "$a"]);
            }
            _ => {
                self.depth += 3;
                self.value();
                self.depth -= 3;
            }
        }
    }
}

const TEXTS: [&str; 12] =
    ["text", "  ", "{\"a\": ", "\n", "a\n  b", "x.y", "(z)", "é€😀", "\"q\"", ", ", "]", "}"];

const SPECIAL: [&str; 24] = [
    "#",
    "$ ",
    "# ",
    "$1",
    "#1",
    "#13ff93",
    "$.",
    "\\",
    "\\\\",
    "\\#if",
    "\\#end ",
    "\\#foo",
    "\\\\#set",
    "\\$ ",
    "$!",
    "$$",
    "##c\n",
    "#*c*#",
    "$[",
    "${}",
    "$-",
    "#{x}",
    "\\\\\\#else",
    "$\\!a",
];

const STRINGS: [&str; 16] = [
    "'abc'",
    "'a b'",
    "\"\"",
    "''",
    "'1'",
    "\"x\"",
    "'a,b,,c,'",
    "'it''s'",
    "\"q\"\"q\"",
    "'$a'",
    "'ABC'",
    "\"a\\nb\"",
    "'true'",
    "\"\\u0041\"",
    "'x/y'",
    "'é😀z'",
];

const PATTERNS: [&str; 18] = [
    "','",
    "'a'",
    "'[a-c]+'",
    "'\\s'",
    "'.'",
    "''",
    "'(a)(b)?'",
    "\"\\\\'\"",
    "'^a'",
    "'c$'",
    "'\\d+'",
    "'\\w'",
    "'[^\\w.-]+'",
    "'\\S.'",
    "'\\p{Punct}'",
    "'\\Q(\\E'",
    "'\\b'",
    "'$1'",
];

const JSON: [&str; 22] = [
    "$input.path('$')",
    "$input.path('$.a')",
    "$input.json('$.a')",
    "$input.json('$')",
    "$input.path('$.a.b')",
    "$input.path('$.a[*].p')",
    "$input.json('$..c')",
    "$input.path('$.l[0]')",
    "$input.json('$.l[1:]')",
    "$input.json('$.l[-1:]')",
    "$input.json('$[*].n')",
    "$input.json('$.a[?(@.p < 10)]')",
    "$input.json(\"$.a[?(@.t == 'x' && @.i)].t\")",
    "$input.json(\"$['a','s']\")",
    "$input.json('$.l[(@.length()-1)]')",
    "$input.path('$.zz')",
    "$input.body",
    "$util.escapeJavaScript($input.body)",
    "$util.urlEncode($input.body)",
    "$util.base64Encode($s)",
    "$util.parseJson('{\"k\":[1,{\"j\":null}]}')",
    "$util.urlDecode('a+b%20c')",
];

const METHODS: [(&str, u8); 58] = [
    ("size", 0),
    ("get", 1),
    ("put", 2),
    ("add", 1),
    ("keySet", 0),
    ("entrySet", 0),
    ("values", 0),
    ("containsKey", 1),
    ("containsValue", 1),
    ("isEmpty", 0),
    ("contains", 1),
    ("length", 0),
    ("substring", 1),
    ("substring", 2),
    ("indexOf", 1),
    ("lastIndexOf", 1),
    ("matches", 1),
    ("replaceAll", 2),
    ("replaceFirst", 2),
    ("replace", 2),
    ("split", 1),
    ("toString", 0),
    ("toUpperCase", 0),
    ("toLowerCase", 0),
    ("trim", 0),
    ("startsWith", 1),
    ("endsWith", 1),
    ("charAt", 1),
    ("concat", 1),
    ("equals", 1),
    ("equalsIgnoreCase", 1),
    ("compareTo", 1),
    ("compareToIgnoreCase", 1),
    ("remove", 1),
    ("clear", 0),
    ("addAll", 1),
    ("putAll", 1),
    ("set", 2),
    ("add", 2),
    ("subList", 2),
    ("removeAll", 1),
    ("retainAll", 1),
    ("containsAll", 1),
    ("intValue", 0),
    ("longValue", 0),
    ("doubleValue", 0),
    ("parseInt", 1),
    ("valueOf", 1),
    ("getKey", 0),
    ("getValue", 0),
    ("getOrDefault", 2),
    ("putIfAbsent", 2),
    ("booleanValue", 0),
    ("isBlank", 0),
    ("repeat", 1),
    ("indexOf", 2),
    ("unknown", 1),
    ("path", 1),
];
