//! The files that this binary carries: what `init` writes and what the demo runs. They are the same
//! that stand at the top of the repository.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// A file and its path below the folder that it is written to.
pub(super) type CarriedFile = (&'static str, &'static str);

macro_rules! carried {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../", $path)))),*]
    };
}

/// Clients, tags and shared modules.
pub(super) const SCRIPTS: &[CarriedFile] = carried![
    "clients/browser.rhai",
    "clients/data.rhai",
    "clients/datalayer.rhai",
    "clients/ga4.rhai",
    "clients/ga4_mp.rhai",
    "clients/github.rhai",
    "clients/hubspot.rhai",
    "clients/lemonsqueezy.rhai",
    "clients/paddle.rhai",
    "clients/segment.rhai",
    "clients/shopify.rhai",
    "clients/site.rhai",
    "clients/stripe.rhai",
    "clients/webhook.rhai",
    "clients/woocommerce.rhai",
    "shared/browser_event.rhai",
    "shared/browser_script.rhai",
    "shared/browser_visitor.rhai",
    "shared/data_answer.rhai",
    "shared/data_body.rhai",
    "shared/data_cookies.rhai",
    "shared/data_event.rhai",
    "shared/data_items.rhai",
    "shared/data_user.rhai",
    "shared/datalayer.rhai",
    "shared/segment_calls.rhai",
    "shared/segment_event.rhai",
    "shared/segment_person.rhai",
    "shared/segment_shop.rhai",
    "shared/segment_time.rhai",
    "shared/shopify.rhai",
    "shared/stripe.rhai",
    "shared/woocommerce.rhai",
    "tags/amplitude_events.rhai",
    "tags/amplitude_revenue.rhai",
    "tags/slack_order.rhai",
    "tags/tracify_addtocart.rhai",
    "tags/tracify_conversion.rhai",
    "tags/tracify_pageview.rhai",
    "tags/tracify_productview.rhai",
    "tags/tracify_purchase.rhai",
];

/// Real requests to try things with, in the order in which the demo sends them.
pub(super) const REQUESTS: &[CarriedFile] = carried![
    "examples/requests/woocommerce_ping.http",
    "examples/requests/woocommerce_order_created.http",
    "examples/requests/stripe_checkout_session_completed.http",
    "examples/requests/datalayer_1_signup.http",
    "examples/requests/datalayer_2_login.http",
    "examples/requests/datalayer_3_logout.http",
    "examples/requests/datalayer_4_trial.http",
    "examples/requests/datalayer_5_revenue.http",
    "examples/requests/datalayer_6_my_custom_event.http",
    "examples/requests/site_page_view.http",
    "examples/requests/site_view_item.http",
    "examples/requests/site_add_to_cart.http",
    "examples/requests/site_purchase.http",
    "examples/requests/site_conversion.http",
    "examples/requests/browser_events.http",
    "examples/requests/segment_order_completed.http",
];

/// More of them, which the demo does not send.
pub(super) const MORE_REQUESTS: &[CarriedFile] = carried![
    "examples/requests/data_tag_purchase.http",
    "examples/requests/data_tag_page_view.http",
    "examples/requests/data_form_purchase.http",
    "examples/requests/ga4_page_view.http",
    "examples/requests/ga4_purchase.http",
    "examples/requests/ga4_batch.http",
    "examples/requests/ga4_measurement_protocol.http",
    "examples/requests/github_issues_opened.http",
    "examples/requests/github_push_form.http",
    "examples/requests/hubspot_changes.http",
    "examples/requests/lemonsqueezy_order_created.http",
    "examples/requests/paddle_adjustment_updated.http",
    "examples/requests/paddle_transaction_completed.http",
    "examples/requests/segment_batch.http",
    "examples/requests/shopify_customers_redact.http",
    "examples/requests/shopify_orders_paid.http",
    "examples/requests/shopify_refunds_create.http",
    "examples/requests/stripe_charge_refunded.http",
    "examples/requests/stripe_invoice_paid.http",
    "examples/requests/stripe_payment_intent_succeeded.http",
    "examples/requests/stripe_thin_event.http",
    "examples/requests/webhook_signed.http",
];

/// What must come out of some of them: `tagwerk test` runs these.
pub(super) const CASES: &[CarriedFile] = carried![
    "cases/browser-events/request.http",
    "cases/browser-events/events.json",
    "cases/browser-events/deliveries.json",
    "cases/data-tag-purchase/request.http",
    "cases/data-tag-purchase/events.json",
    "cases/data-tag-purchase/deliveries.json",
    "cases/datalayer-revenue/request.http",
    "cases/datalayer-revenue/events.json",
    "cases/datalayer-revenue/deliveries.json",
    "cases/datalayer-signup/request.http",
    "cases/datalayer-signup/events.json",
    "cases/datalayer-signup/deliveries.json",
    "cases/ga4-purchase/request.http",
    "cases/ga4-purchase/events.json",
    "cases/ga4-purchase/deliveries.json",
    "cases/ga4-mp-refund/request.http",
    "cases/ga4-mp-refund/events.json",
    "cases/ga4-mp-refund/deliveries.json",
    "cases/github-issue/request.http",
    "cases/github-issue/events.json",
    "cases/github-issue/deliveries.json",
    "cases/hubspot-changes/request.http",
    "cases/hubspot-changes/events.json",
    "cases/hubspot-changes/deliveries.json",
    "cases/lemonsqueezy-order/request.http",
    "cases/lemonsqueezy-order/events.json",
    "cases/lemonsqueezy-order/deliveries.json",
    "cases/paddle-transaction/request.http",
    "cases/paddle-transaction/events.json",
    "cases/paddle-transaction/deliveries.json",
    "cases/segment-order/request.http",
    "cases/segment-order/events.json",
    "cases/segment-order/deliveries.json",
    "cases/shopify-order/request.http",
    "cases/shopify-order/events.json",
    "cases/shopify-order/deliveries.json",
    "cases/shopify-refund/request.http",
    "cases/shopify-refund/events.json",
    "cases/shopify-refund/deliveries.json",
    "cases/site-add-to-cart/request.http",
    "cases/site-add-to-cart/events.json",
    "cases/site-add-to-cart/deliveries.json",
    "cases/site-conversion/request.http",
    "cases/site-conversion/events.json",
    "cases/site-conversion/deliveries.json",
    "cases/site-page-view/request.http",
    "cases/site-page-view/events.json",
    "cases/site-page-view/deliveries.json",
    "cases/site-purchase/request.http",
    "cases/site-purchase/events.json",
    "cases/site-purchase/deliveries.json",
    "cases/site-view-item/request.http",
    "cases/site-view-item/events.json",
    "cases/site-view-item/deliveries.json",
    "cases/stripe-checkout/request.http",
    "cases/stripe-checkout/events.json",
    "cases/stripe-checkout/deliveries.json",
    "cases/webhook/request.http",
    "cases/webhook/events.json",
    "cases/webhook/deliveries.json",
    "cases/woocommerce-order/request.http",
    "cases/woocommerce-order/events.json",
    "cases/woocommerce-order/deliveries.json",
    "cases/woocommerce-ping/request.http",
    "cases/woocommerce-ping/events.json",
    "cases/woocommerce-ping/deliveries.json",
];

/// What kind of script one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Client,
    Tag,
    Shared,
}

/// A script that this binary carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shipped {
    pub(super) kind: Kind,
    pub(super) name: &'static str,
    pub(super) source: &'static str,
}

impl Shipped {
    /// All of a kind.
    pub(super) fn all(kind: Kind) -> impl Iterator<Item = Self> {
        let folder = match kind {
            Kind::Client => "clients/",
            Kind::Tag => "tags/",
            Kind::Shared => "shared/",
        };
        SCRIPTS.iter().filter_map(move |(path, source)| {
            let name = path.strip_prefix(folder)?.strip_suffix(".rhai")?;
            (!name.ends_with(".test")).then_some(Self { kind, name, source })
        })
    }

    /// The one of that name.
    pub(super) fn find(kind: Kind, name: &str) -> Option<Self> {
        Self::all(kind).find(|script| script.name == name)
    }

    /// Its first line, which says what it is for.
    pub(super) fn about(&self) -> &'static str {
        let line = self.source.lines().next().unwrap_or_default();
        line.trim_start_matches("//").trim()
    }

    /// The modules that it imports, and that these import in turn.
    pub(super) fn imports(&self) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        let mut left = vec![*self];
        while let Some(script) = left.pop() {
            let names = script.source.lines().filter_map(|line| {
                let rest = line.trim_start().strip_prefix("import \"")?;
                rest.split_once('"').map(|(name, _)| name)
            });
            for module in names.filter_map(|name| Self::find(Kind::Shared, name)) {
                if !found.contains(&module) {
                    found.push(module);
                    left.push(module);
                }
            }
        }
        found
    }

    /// The requests of its cases. What must come out depends on the tags that there are, so that is
    /// not among them.
    pub(super) fn cases(&self) -> Vec<&'static CarriedFile> {
        let is_own = |path: &str| {
            let is_needed = path.ends_with("request.http") || path.ends_with("events.json");
            is_needed && client_of(path) == Some(self.name)
        };
        let cases = CASES
            .iter()
            .filter(|(path, _)| self.kind == Kind::Client && is_own(path));
        cases.collect()
    }

    /// Where a tag sends to.
    pub(super) fn destination(&self) -> Option<&'static str> {
        let mut lines = self.source.lines();
        let line = lines.find_map(|line| line.strip_prefix("const TO = \""))?;
        line.split_once('"').map(|(name, _)| name)
    }
}

/// The client that a case's name begins with: of `ga4` and `ga4_mp` the longer one.
fn client_of(case: &str) -> Option<&'static str> {
    let case = case.strip_prefix("cases/")?;
    let is_its = |name: &&str| {
        let rest = case.strip_prefix(name.replace('_', "-").as_str());
        rest.is_some_and(|rest| rest.starts_with(['-', '/']))
    };
    let clients = Shipped::all(Kind::Client).map(|client| client.name);
    clients.filter(is_its).max_by_key(|name| name.len())
}

/// Writes a file below a folder, making folders as needed. Never overwrites.
pub(super) fn write_new(folder: &Path, path: &str, content: &str) -> io::Result<()> {
    let file = folder.join(path);
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent)?;
    }
    let named = |error: io::Error| {
        let shown = file.display();
        let why = match error.kind() {
            io::ErrorKind::AlreadyExists => format!("{shown} is there already, and is left alone"),
            _ => format!("{shown}: {error}"),
        };
        io::Error::new(error.kind(), why)
    };
    let mut new = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&file)
        .map_err(named)?;
    new.write_all(content.as_bytes()).map_err(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A script that stands in the repository and is not carried would be missing from `init`.
    #[test]
    fn carries_every_shipped_file() {
        let top = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut folders: Vec<String> = ["clients", "tags", "shared", "examples/requests", "cases"]
            .map(str::to_owned)
            .into();
        let mut found = 0;
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(top.join(&folder)).unwrap() {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                let path = format!("{folder}/{name}");
                if entry.file_type().unwrap().is_dir() {
                    folders.push(path);
                    continue;
                }
                let requests = REQUESTS.iter().chain(MORE_REQUESTS);
                let mut carried = SCRIPTS.iter().chain(requests).chain(CASES);
                let is_carried = carried.any(|(carried, _)| *carried == path);
                assert!(is_carried || name.ends_with(".md"), "{path} is not carried");
                found += usize::from(is_carried);
            }
        }
        let requests = REQUESTS.len() + MORE_REQUESTS.len();
        assert_eq!(found, SCRIPTS.len() + requests + CASES.len());
    }
}
