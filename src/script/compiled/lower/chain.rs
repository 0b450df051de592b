//! Chains: `event.items[0]?.price`, `order.lines.map(|line| line.sku)`.

use rhai::{ASTFlags, Dynamic, Expr, FnCallExpr, FnPtr, ImmutableString, Stmt};

use super::call::{changes, rhais_changing, rhais_pure};
use super::statement::first;
use super::{Lower, Lowered, NotCovered};
use crate::script::compiled::code::{
    Closure, Code, Does, Each, Method, Place, Slot, Source, Step, To,
};

/// A step of a chain.
struct Link<'a> {
    to: LinkTo<'a>,
    is_optional: bool,
}

enum LinkTo<'a> {
    Property(&'a ImmutableString),
    Index(&'a Expr),
    Method(&'a FnCallExpr),
}

impl Lower<'_> {
    pub(super) fn chain(&mut self, chain: &Expr) -> Lowered<Code> {
        let mut links = Vec::new();
        let root = links_of(chain, &mut links)?;
        let (begin, place) = match self.value(root)? {
            Code::Read(place) if place.steps.is_empty() => (None, place),
            value => {
                let place = Place::of(self.spare());
                (Some(Code::Let(place.root, Box::new(value))), place)
            }
        };
        let variable = place.root;
        Ok(first(begin, self.from(place, &links, variable)?))
    }

    /// The chain from a place on. It begins with this variable, which Rhai holds until its end.
    fn from(&mut self, place: Place, links: &[Link<'_>], variable: Slot) -> Lowered<Code> {
        let mut steps = Vec::from(place.steps);
        for (at, link) in links.iter().enumerate() {
            let to = match link.to {
                LinkTo::Property(name) => To::Key(name.clone()),
                LinkTo::Index(index) => match self.value(index)? {
                    Code::Constant(key) if key.is_string() => To::Key(key.cast()),
                    index => To::Computed(index),
                },
                LinkTo::Method(call) => {
                    let place = Place {
                        root: place.root,
                        steps: steps.into(),
                    };
                    let rest = links.get(at + 1..).unwrap_or_default();
                    return self.method(place, link.is_optional, call, rest, variable);
                }
            };
            let is_optional = link.is_optional;
            steps.push(Step { to, is_optional });
        }
        Ok(Code::Read(Place {
            root: place.root,
            steps: steps.into(),
        }))
    }

    fn method(
        &mut self,
        place: Place,
        is_optional: bool,
        call: &FnCallExpr,
        rest: &[Link<'_>],
        variable: Slot,
    ) -> Lowered<Code> {
        if changes(&call.name) {
            let is_alone = rest.is_empty() && !is_optional && place.has_nothing_optional();
            return match is_alone {
                true => self.change(place, call),
                false => Err(NotCovered),
            };
        }
        let (does, arguments) = self.does(call, variable)?;
        let (begin, source) = match does {
            Does::Each(..) | Does::Reduce(..) => self.source(Code::Read(place)),
            _ => {
                let spare = Place::of(self.spare());
                (None, Source { place, spare })
            }
        };
        let rest = match rest.is_empty() {
            true => None,
            false => {
                let slot = self.spare();
                Some((slot, self.from(Place::of(slot), rest, variable)?))
            }
        };
        let method = Method {
            source,
            is_optional,
            does,
            arguments,
            rest,
        };
        Ok(first(begin, Code::Method(Box::new(method))))
    }

    fn change(&mut self, place: Place, call: &FnCallExpr) -> Lowered<Code> {
        match (rhais_changing(&call.name), &*call.args) {
            (Some(name), arguments) => Ok(Code::Change(place, name, self.values(arguments)?)),
            (None, [item]) => Ok(Code::Push(place, Box::new(self.value(item)?))),
            (None, _) => Err(NotCovered),
        }
    }

    fn does(&mut self, call: &FnCallExpr, variable: Slot) -> Lowered<(Does, Box<[Code]>)> {
        let each = match call.name.as_str() {
            "len" if call.args.is_empty() => return Ok((Does::Len, Box::default())),
            "is_empty" if call.args.is_empty() => return Ok((Does::IsEmpty, Box::default())),
            "map" => Each::Map,
            "filter" => Each::Filter,
            "some" => Each::Some,
            "all" => Each::All,
            "find" => Each::Find,
            "reduce" => return self.reduce(call, variable),
            name => {
                let name = rhais_pure(name).ok_or(NotCovered)?;
                return Ok((Does::Rhais(name), self.values(call.args.iter())?));
            }
        };
        let [closure] = &*call.args else {
            return Err(NotCovered);
        };
        let (_, closure) = self.closure(closure, variable, 0)?;
        Ok((Does::Each(each, closure), Box::default()))
    }

    fn reduce(&mut self, call: &FnCallExpr, variable: Slot) -> Lowered<(Does, Box<[Code]>)> {
        let (closure, begins) = call.args.split_first().ok_or(NotCovered)?;
        let begins = self.values(begins)?;
        let (sum, closure) = self.closure(closure, variable, 1)?;
        Ok((Does::Reduce(sum, closure), begins))
    }

    /// A closure that takes so many values before the element, and where the first of them is put. One that
    /// captures the variable that its chain begins with finds it held, by Rhai.
    fn closure(&mut self, value: &Expr, variable: Slot, before: usize) -> Lowered<(Slot, Closure)> {
        let (function, captured) = captured(value)?;
        let takes = |own: usize| (function.clone(), captured.len() + before + own);
        let sources = &self.unit()?.sources;
        let source = [1, 2].into_iter().find_map(|own| sources.get(&takes(own)));
        let source = source.ok_or(NotCovered)?;
        let mut seen = Vec::new();
        for name in &captured {
            seen.push((name.clone(), self.slot(name)?));
        }
        if seen.iter().any(|(_, slot)| *slot == variable) {
            return Err(NotCovered);
        }
        // It sees what it captured, under the names that this has where it stands, and nothing else.
        let seen_before = std::mem::replace(&mut self.names, seen);
        let closure = self.closure_of(source, captured.len(), before);
        self.names = seen_before;
        closure
    }

    fn closure_of(
        &mut self,
        source: &super::Source,
        captured: usize,
        before: usize,
    ) -> Lowered<(Slot, Closure)> {
        let mut own = source.parameters.iter().skip(captured);
        let first = self.slots;
        own.by_ref().take(before).for_each(|name| {
            self.declare(name);
        });
        let item = own.next().ok_or(NotCovered)?;
        let closure = Closure {
            item: self.declare(item),
            is_steady: self.is_steady(item),
            index: own.next().map(|index| self.declare(index)),
            body: self.block(&source.statements)?,
        };
        Ok((first, closure))
    }
}

/// The name of a closure's function, and the variables that it captured.
fn captured(value: &Expr) -> Lowered<(ImmutableString, Vec<ImmutableString>)> {
    if let Some(function) = function(value) {
        return Ok((function, Vec::new()));
    }
    let Expr::Stmt(block) = value else {
        return Err(NotCovered);
    };
    let [Stmt::Share(..), Stmt::FnCall(call, _)] = block.statements() else {
        return Err(NotCovered);
    };
    let (first, captured) = call.args.split_first().ok_or(NotCovered)?;
    let names = captured.iter().map(|variable| match variable {
        Expr::Variable(parts, ..) => Ok(parts.1.clone()),
        _ => Err(NotCovered),
    });
    Ok((
        function(first).ok_or(NotCovered)?,
        names.collect::<Lowered<_>>()?,
    ))
}

fn function(value: &Expr) -> Option<ImmutableString> {
    let Expr::DynamicConstant(constant, _) = value else {
        return None;
    };
    let pointer = Dynamic::clone(constant).try_cast::<FnPtr>()?;
    let is_closure = super::is_closure(pointer.fn_name()) && pointer.curry().is_empty();
    is_closure.then(|| pointer.fn_name().into())
}

/// Adds what follows a chain's first value, which is given back.
fn links_of<'a>(chain: &'a Expr, links: &mut Vec<Link<'a>>) -> Lowered<&'a Expr> {
    let (Expr::Dot(parts, flags, _) | Expr::Index(parts, flags, _)) = chain else {
        return Err(NotCovered);
    };
    follow(&parts.rhs, is_index(chain), *flags, links)?;
    Ok(&parts.lhs)
}

fn follow<'a>(
    rest: &'a Expr,
    is_by_index: bool,
    flags: ASTFlags,
    links: &mut Vec<Link<'a>>,
) -> Lowered<()> {
    let is_optional = flags.contains(ASTFlags::NEGATED);
    match rest {
        Expr::Dot(parts, inner, _) | Expr::Index(parts, inner, _)
            if !flags.contains(ASTFlags::BREAK) =>
        {
            let to = link(&parts.lhs, is_by_index)?;
            links.push(Link { to, is_optional });
            follow(&parts.rhs, is_index(rest), *inner, links)
        }
        last => {
            let to = link(last, is_by_index)?;
            links.push(Link { to, is_optional });
            Ok(())
        }
    }
}

fn is_index(chain: &Expr) -> bool {
    matches!(chain, Expr::Index(..))
}

fn link(expression: &Expr, is_by_index: bool) -> Lowered<LinkTo<'_>> {
    match expression {
        index if is_by_index => Ok(LinkTo::Index(index)),
        Expr::Property(parts, _) => Ok(LinkTo::Property(&parts.2)),
        Expr::MethodCall(call, _) => Ok(LinkTo::Method(call)),
        _ => Err(NotCovered),
    }
}
