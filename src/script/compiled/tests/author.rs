//! Writes scripts at random that mostly make sense: a number where one is wanted, a text where that is.

/// Bytes decide what is written; where they end, it becomes plain.
pub(super) struct Author {
    choices: std::vec::IntoIter<u8>,
    /// How deep it is in an expression.
    depth: usize,
    /// Names of elements in sight, for closures and loops.
    items: Vec<String>,
    /// The variables `n`, `l` and `m` are there.
    has_variables: bool,
}

const DEPTH: usize = 4;

impl Author {
    pub(super) fn new(choices: Vec<u8>) -> Self {
        Self {
            choices: choices.into_iter(),
            depth: 0,
            items: Vec::new(),
            has_variables: false,
        }
    }

    /// The body of a function of `event`.
    pub(super) fn body(&mut self) -> String {
        let (number, list, map) = (self.number(), self.list(), self.map());
        let mut body = format!("let n = {number}; let l = {list}; let m = {map};");
        self.has_variables = true;
        for _ in 0..self.choose(5) {
            body += &self.statement();
        }
        body += &format!(" [n, l, m, {}]", self.any());
        body
    }

    fn choose(&mut self, of: u8) -> u8 {
        self.choices.next().unwrap_or(0) % of
    }

    /// One of so many, and the first where it is deep enough.
    fn branch(&mut self, of: u8, write: impl FnOnce(&mut Self, u8) -> String) -> String {
        self.depth += 1;
        let choice = match self.depth > DEPTH {
            true => 0,
            false => self.choose(of),
        };
        let written = write(self, choice);
        self.depth -= 1;
        written
    }

    fn statement(&mut self) -> String {
        self.branch(12, |it, choice| match choice {
            1 => format!(" n += {};", it.number()),
            2 => format!(" l.push({});", it.any()),
            3 => format!(" m.a = {};", it.any()),
            4 => format!(" m.b.c = {};", it.number()),
            5 => format!(
                " if {} {{{}}} else {{{}}}",
                it.flag(),
                it.statement(),
                it.statement()
            ),
            6 => {
                let over = it.list();
                it.with_item(|it, item| format!(" for {item} in {over} {{{}}}", it.statement()))
            }
            7 => format!(
                " for k in 0..{} {{ n -= k;{} }}",
                it.choose(9),
                it.statement()
            ),
            8 => format!(" if {} {{ return {}; }}", it.flag(), it.any()),
            9 => format!(" {{ let n = {}; l.push(n);{} }}", it.any(), it.statement()),
            10 => format!(" m = {};", it.map()),
            11 => format!(" l[{}] = {};", it.number(), it.any()),
            _ => format!(" n = {};", it.number()),
        })
    }

    fn any(&mut self) -> String {
        self.branch(9, |it, choice| match choice {
            1 => it.text(),
            2 => it.flag(),
            3 => it.list(),
            4 => it.map(),
            5 => format!("{}?.{}", it.map(), it.key()),
            6 => format!("(if {} {{ {} }})", it.flag(), it.any()),
            7 => format!("({} ?? {})", it.any(), it.any()),
            8 => format!(
                "(switch {} {{ 0 | \"a\" => {}, 17 if {} => {}, _ => {} }})",
                it.any(),
                it.any(),
                it.flag(),
                it.any(),
                it.any()
            ),
            _ => it.number(),
        })
    }

    fn number(&mut self) -> String {
        self.branch(14, |it, choice| match choice {
            1 => "event.id".to_owned(),
            2 => "event.value".to_owned(),
            3 => "(-2.5)".to_owned(),
            4..=6 => {
                let sign = ["+", "-", "*"][usize::from(it.choose(3))];
                format!("({} {sign} {})", it.number(), it.number())
            }
            7 => format!("{}.len()", it.list()),
            8 => format!("{}.len()", it.text()),
            9 => format!("{}.reduce(|s, v| s + 1, {})", it.list(), it.number()),
            10 => format!(
                "if {} {{ {} }} else {{ {} }}",
                it.flag(),
                it.number(),
                it.number()
            ),
            11 => format!("num({}, 0)", it.any()),
            12 => format!("(-{})", it.number()),
            13 => format!("{{ let n = {}; n }}", it.number()),
            _ if it.has_variables => "n".to_owned(),
            _ => it.choose(5).to_string(),
        })
    }

    fn text(&mut self) -> String {
        self.branch(10, |it, choice| match choice {
            1 => "event.text".to_owned(),
            2 => "event.user.email".to_owned(),
            3 => format!("`<${{{}}}|${{{}}}>`", it.any(), it.number()),
            4 => format!("({} + {})", it.text(), it.text()),
            5 => format!("{}.to_upper()", it.text()),
            6 => format!("{}.to_string()", it.number()),
            7 => format!("type_of({})", it.any()),
            8 => format!("text::lower({})", it.text()),
            9 => format!("helper({})", it.map()),
            _ => "\"a\"".to_owned(),
        })
    }

    fn flag(&mut self) -> String {
        self.branch(12, |it, choice| match choice {
            1..=3 => {
                let sign = ["==", "!=", "<", "<=", ">", ">="][usize::from(it.choose(6))];
                format!("{} {sign} {}", it.number(), it.number())
            }
            4 => format!("({} == {})", it.any(), it.any()),
            5 => format!("({} && {})", it.flag(), it.flag()),
            6 => format!("({} || {})", it.flag(), it.flag()),
            7 => format!("!({})", it.flag()),
            8 => format!("{} != ()", it.any()),
            9 => {
                let each = ["some", "all"][usize::from(it.choose(2))];
                let over = it.list();
                let body = it.with_item(|it, item| format!("|{item}| {}", it.flag()));
                format!("{over}.{each}({body})")
            }
            10 => format!("{}.is_empty()", it.list()),
            11 => format!("{}.starts_with({})", it.text(), it.text()),
            _ => "event.yes".to_owned(),
        })
    }

    fn list(&mut self) -> String {
        self.branch(10, |it, choice| match choice {
            1 if it.has_variables => "l".to_owned(),
            2 => "(event.empty ?? [1])".to_owned(),
            3 => format!("[{}, {}]", it.any(), it.any()),
            4 | 5 => {
                let over = it.list();
                let body = it.with_item(|it, item| format!("|{item}| {}", it.any()));
                format!("{over}.map({body})")
            }
            6 => {
                let over = it.list();
                let body = it.with_item(|it, item| format!("|{item}| {}", it.flag()));
                format!("{over}.filter({body})")
            }
            7 => format!("{}.map(|v, i| [i, v])", it.list()),
            8 => format!("{}.keys()", it.map()),
            9 => format!("{{ let t = {}; t.push({}); t }}", it.list(), it.number()),
            _ => "event.items".to_owned(),
        })
    }

    fn map(&mut self) -> String {
        self.branch(9, |it, choice| match choice {
            1 => "event.user.address".to_owned(),
            2 if it.has_variables => "m".to_owned(),
            3 => match it.items.last() {
                Some(item) => item.clone(),
                None => "event.items[0]".to_owned(),
            },
            4 => format!("#{{ b: #{{ c: {} }}, a: {} }}", it.any(), it.any()),
            5 => format!("({} + #{{ a: {} }})", it.map(), it.any()),
            6 => format!("spoil({})", it.map()),
            7 => format!(
                "if {} {{ {} }} else {{ {} }}",
                it.flag(),
                it.map(),
                it.map()
            ),
            8 => format!("{}[{}]", it.list(), it.choose(2)),
            _ => "event.user".to_owned(),
        })
    }

    fn key(&mut self) -> &'static str {
        ["a", "b", "email", "sku", "quantity", "missing", "address"][usize::from(self.choose(7))]
    }

    /// Writes something with a name for an element in sight.
    fn with_item(&mut self, write: impl FnOnce(&mut Self, &str) -> String) -> String {
        let item = format!("i{}", self.items.len());
        self.items.push(item.clone());
        let written = write(self, &item);
        self.items.pop();
        written
    }
}
