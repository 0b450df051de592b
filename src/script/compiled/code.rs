//! What a function is compiled to: the types and nothing else. `lower` makes it, `run` runs it.

use std::collections::HashMap;

use rhai::{Dynamic, ImmutableString, Map};

use crate::script::api::Direct;

/// A function of a script.
pub(super) struct Function {
    pub(super) name: ImmutableString,
    /// It is the script's own, and not of a module that it imports.
    pub(super) is_own: bool,
    pub(super) parameters: Box<[Parameter]>,
    /// How many places for values a call needs; the first are the parameters'.
    pub(super) slots: usize,
    pub(super) body: Code,
}

/// One parameter.
pub(super) struct Parameter {
    /// Nothing in the function changes it, so it may be looked at where it is.
    pub(super) is_steady: bool,
}

/// Where a call keeps a value, from 0.
pub(super) type Slot = usize;

/// What is evaluated, to a value or to nothing, `()`.
pub(super) enum Code {
    Constant(Dynamic),
    Read(Place),
    /// A variable that nobody reads any more.
    Take(Place),
    /// A text with values in it.
    Text(Box<[Code]>),
    Array(Box<[Code]>),
    Map(Box<MapLiteral>),
    And(Box<[Code]>),
    Or(Box<[Code]>),
    /// `??`
    Coalesce(Box<[Code]>),
    Not(Box<Code>),
    Operate(Operator, Box<(Code, Code)>),
    /// `== ()`, and for false `!= ()`.
    IsNothing(Box<Code>, bool),
    TypeOf(Box<Code>),
    If(Box<(Code, Code, Code)>),
    Switch(Box<Switch>),
    Block(Box<[Code]>),
    Let(Slot, Box<Code>),
    /// A variable that is a name for a place, as neither changes.
    Alias(Slot, Place),
    /// An assignment, perhaps one such as `+=`.
    Set(Place, Option<Operator>, Box<Code>),
    Push(Place, Box<Code>),
    /// A method of Rhai's that changes a variable.
    Change(Place, &'static str, Box<[Code]>),
    While(Box<(Code, Code)>),
    For(Box<For>),
    Method(Box<Method>),
    /// A call of a function of the script or of a module.
    Own(usize, Box<[Code]>),
    /// A call of one of the host's.
    Host(Direct, Box<[Code]>),
    /// A call of one of Rhai's.
    Rhais(&'static str, Box<[Code]>),
    Return(Box<Code>),
    Break,
    Continue,
    /// What is left to Rhai, such as `throw`.
    GiveUp,
}

/// A variable, or what is under it: `event.items[0]?.price`.
pub(super) struct Place {
    pub(super) root: Slot,
    pub(super) steps: Box<[Step]>,
}

/// From a value to one in it.
pub(super) struct Step {
    pub(super) to: To,
    /// `?.` and `?[`: from nothing there is nowhere to go, and all of the chain is nothing.
    pub(super) is_optional: bool,
}

/// Which one.
pub(super) enum To {
    Key(ImmutableString),
    /// What this comes to: a key or a number.
    Computed(Code),
}

/// `#{ … }`
pub(super) struct MapLiteral {
    /// All keys.
    pub(super) keys: Map,
    /// As they stand in the script; each with the place of its key in `keys`.
    pub(super) entries: Box<[(usize, Code)]>,
}

/// `switch`
pub(super) struct Switch {
    pub(super) value: Code,
    /// Of the values that are written out there are only hashes, each with the arms to be tried.
    pub(super) cases: HashMap<u64, Box<[usize]>>,
    /// Conditions, and what holds if they do.
    pub(super) arms: Box<[(Code, Code)]>,
    pub(super) otherwise: Option<usize>,
}

/// `for item in …`
pub(super) struct For {
    pub(super) item: Slot,
    pub(super) is_steady: bool,
    pub(super) counter: Option<Slot>,
    pub(super) over: Over,
    pub(super) body: Code,
}

/// What a loop goes over.
pub(super) enum Over {
    /// The elements of an array.
    Array(Source),
    /// Whole numbers; with the last one, if it is inclusive.
    Range {
        from: Code,
        to: Code,
        is_inclusive: bool,
    },
}

/// An array that is gone through where it is.
pub(super) struct Source {
    pub(super) place: Place,
    /// Where it is put if it has no place of its own; a variable without a name.
    pub(super) spare: Place,
}

/// A method and what is done with its value.
pub(super) struct Method {
    pub(super) source: Source,
    /// `?.`
    pub(super) is_optional: bool,
    pub(super) does: Does,
    pub(super) arguments: Box<[Code]>,
    /// The rest of the chain, which finds the value in this slot.
    pub(super) rest: Option<(Slot, Code)>,
}

/// What a method does.
pub(super) enum Does {
    Len,
    IsEmpty,
    Each(Each, Closure),
    /// `reduce`; the value that it begins with is the only argument, if there is one.
    Reduce(Slot, Closure),
    /// One of Rhai's.
    Rhais(&'static str),
}

/// Methods of arrays that call a closure for each element.
#[derive(Clone, Copy)]
pub(super) enum Each {
    Map,
    Filter,
    Some,
    All,
    Find,
}

/// A closure that is called where it stands, so that it runs among its function's variables.
pub(super) struct Closure {
    pub(super) item: Slot,
    pub(super) is_steady: bool,
    pub(super) index: Option<Slot>,
    pub(super) body: Code,
}

/// Operators of two values.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    /// As scripts write them.
    const ALL: [(&'static str, Self); 11] = [
        ("+", Self::Add),
        ("-", Self::Subtract),
        ("*", Self::Multiply),
        ("/", Self::Divide),
        ("%", Self::Modulo),
        ("==", Self::Equal),
        ("!=", Self::NotEqual),
        ("<", Self::Less),
        ("<=", Self::LessOrEqual),
        (">", Self::Greater),
        (">=", Self::GreaterOrEqual),
    ];

    pub(super) fn from_text(text: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|(written, _)| *written == text)
            .map(|(_, one)| one)
    }

    pub(super) fn text(self) -> &'static str {
        let mut all = Self::ALL.into_iter();
        all.find(|(_, one)| *one == self)
            .map_or("", |(text, _)| text)
    }
}

impl Code {
    /// It is `()`, as written.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Self::Constant(value) if value.is_unit())
    }
}

impl Place {
    /// A variable itself.
    pub(super) fn of(root: Slot) -> Self {
        let steps = Box::default();
        Self { root, steps }
    }

    /// It is the same one whenever it is looked for.
    pub(super) fn is_constant(&self) -> bool {
        let mut steps = self.steps.iter();
        steps.all(|step| matches!(step.to, To::Key(_) | To::Computed(Code::Constant(_))))
    }

    pub(super) fn has_nothing_optional(&self) -> bool {
        self.steps.iter().all(|step| !step.is_optional)
    }
}
