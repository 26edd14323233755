//! `posthaste channels`

mod service;

use clap::{Args, Subcommand};
use posthaste_admin::{
    ChannelChange, ChannelView, Command as Work, DeliveryView, NewChannel, Reply, parse_length,
};
use posthaste_core::{Language, NoticeFilter, NoticeKind, Secret, Severity};

use self::service::Service;
use super::{
    Failure, Output,
    going::Going,
    input, output,
    session::{Session, unexpected},
};
use crate::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the channels that notices are brought to
    List,
    /// Show one channel
    Show(Which),
    /// Add a channel
    Add(Box<Add>),
    /// Change a channel; what is not named stays as it is
    Update(Box<Update>),
    /// Remove a channel
    #[command(alias = "delete")]
    Remove(Going<Which>),
    /// Send a test to a channel and tell what became of it
    Test(Which),
    /// Tell what became of a channel's latest messages
    Deliveries(Deliveries),
}

#[derive(Args, Debug)]
pub(super) struct Which {
    /// The name or id
    channel: String,
}

#[derive(Args, Debug)]
pub(super) struct Deliveries {
    /// The name or id
    channel: String,
    /// How many at most
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    limit: usize,
}

#[derive(Args, Debug)]
pub(super) struct Add {
    /// A name for it, unique
    name: String,
    /// Who brings messages: webhook, wecom, dingtalk, feishu, slack, discord, telegram, bark or smtp
    #[arg(long, value_name = "KIND")]
    kind: String,
    #[command(flatten)]
    service: Service,
    #[command(flatten)]
    settings: Settings,
    /// Add it switched off
    #[arg(long)]
    disabled: bool,
}

#[derive(Args, Debug)]
pub(super) struct Update {
    /// The name or id
    channel: String,
    /// Another name for it
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    service: Service,
    #[command(flatten)]
    settings: Settings,
    /// Use it
    #[arg(long, conflicts_with = "disable")]
    enable: bool,
    /// Do not use it
    #[arg(long)]
    disable: bool,
}

#[derive(Args, Debug)]
struct Settings {
    /// The address or token by which messages are sent: a webhook's URL, a bot's token, a device's key; `-` asks for it, or
    /// reads a line of a pipe
    #[arg(long, value_name = "URL", value_parser = input::secret)]
    target: Option<Secret>,
    /// A file that holds it
    #[arg(long, value_name = "FILE", conflicts_with = "target")]
    target_file: Option<std::path::PathBuf>,
    /// What messages are signed with, for mail the password; `-` asks for it, '' for none
    #[arg(long, value_name = "KEY", value_parser = input::secret)]
    key: Option<Secret>,
    /// A file that holds it
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    key_file: Option<std::path::PathBuf>,
    /// Allow a private address, and one that is not encrypted; `false` takes it back
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    allow_private: Option<bool>,
    /// Reach it through this proxy, such as `socks5h://user:password@host:1080`; `-` asks for it, '' for none
    #[arg(long, value_name = "URL", value_parser = input::secret)]
    proxy: Option<Secret>,
    /// The language of its messages: en or zh-CN
    #[arg(long, value_name = "TAG", value_parser = language)]
    language: Option<Language>,
    /// Tell only these kinds of notices, such as `quota`; may be repeated or separated by commas; '' for all
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    notice: Option<Vec<String>>,
    /// Tell nothing that matters less: info, warning or critical
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    least: Option<Severity>,
    /// Whether to tell when something is over
    #[arg(long, value_name = "BOOL")]
    recoveries: Option<bool>,
    /// Collect notices for so long and send them as one message, such as `15m`; `0s` sends each by itself
    #[arg(long, value_name = "TIME", value_parser = parse_length)]
    digest: Option<u64>,
    /// How many messages a minute it may get, 1 to 120
    #[arg(long, value_name = "NUMBER")]
    per_minute: Option<u16>,
}

fn language(text: &str) -> Result<Language, String> {
    Language::parse(text).ok_or_else(|| "expected en or zh-CN".to_owned())
}

fn severity(text: &str) -> Result<Severity, String> {
    Severity::parse(text).ok_or_else(|| "expected info, warning or critical".to_owned())
}

impl Settings {
    /// The change, on top of what was to be heard before.
    fn change(self, heard: NoticeFilter) -> Result<ChannelChange, Failure> {
        let filter = self.filter(heard)?;
        let digest_seconds = match self.digest {
            Some(seconds) => {
                Some(u32::try_from(seconds).map_err(|_| Failure::usage("--digest is longer than a day"))?)
            }
            None => None,
        };
        Ok(ChannelChange {
            target: input::one_secret("target", self.target, self.target_file)?,
            key: input::one_secret("key", self.key, self.key_file)?,
            allow_private: self.allow_private,
            proxy: input::proxy(self.proxy)?,
            language: self.language,
            filter,
            digest_seconds,
            per_minute: self.per_minute,
            ..ChannelChange::default()
        })
    }

    fn filter(&self, mut heard: NoticeFilter) -> Result<Option<NoticeFilter>, Failure> {
        let changed = self.notice.is_some() || self.least.is_some() || self.recoveries.is_some();
        if let Some(names) = &self.notice {
            let named = names.iter().map(|name| name.trim()).filter(|name| !name.is_empty());
            let kinds = named.map(|name| {
                NoticeKind::parse(name).ok_or_else(|| {
                    let known = NoticeKind::ALL.map(NoticeKind::as_str).join(", ");
                    Failure::usage(format!("`{}` is no kind of notice", name.escape_debug()))
                        .hint(format!("the kinds are {known}"))
                })
            });
            heard.kinds = kinds.collect::<Result<_, _>>()?;
        }
        heard.least = self.least.unwrap_or(heard.least);
        if let Some(recoveries) = self.recoveries {
            heard.without_recoveries = !recoveries;
        }
        Ok(changed.then_some(heard))
    }
}

pub(super) async fn run(command: Command, config: &Config, out: &Output) -> Result<(), Failure> {
    let work = match command {
        Command::List => Work::ListChannels,
        Command::Show(which) => Work::ShowChannel { channel: which.channel },
        Command::Add(add) => {
            let Add { name, kind, service, settings, disabled } = *add;
            let change = settings.change(NoticeFilter::default())?;
            let with = ChannelChange { enabled: disabled.then_some(false), ..change };
            Work::CreateChannel(NewChannel { name, service: service.made(&kind)?, with })
        }
        Command::Update(update) => return self::update(*update, config, out).await,
        Command::Remove(going) => {
            let which = going.sure(|which| format!("remove the channel {}", which.channel))?;
            Work::DeleteChannel { channel: which.channel }
        }
        Command::Test(which) => Work::TestChannel { channel: which.channel },
        Command::Deliveries(Deliveries { channel, limit }) => Work::ListDeliveries { channel, limit },
    };
    let session = Session::open(config, &work).await?;
    let removed = matches!(work, Work::DeleteChannel { .. });
    match session.execute(work).await? {
        Reply::Channels(channels) => out.show(&channels, || table(&channels)),
        Reply::Channel(channel) if removed => {
            out.show(&channel, || format!("channel `{}` is removed", channel.name))
        }
        Reply::Channel(channel) => out.show(&channel, || one(&channel)),
        Reply::Delivery(delivery) => {
            out.show(&delivery, || told(&delivery))?;
            match delivery.outcome.as_str() {
                "delivered" => Ok(()),
                outcome => Err(Failure::failed(format!("the test was {}", outcome.replace('_', " ")))),
            }
        }
        Reply::Deliveries(deliveries) => out.show(&deliveries, || deliveries_table(&deliveries)),
        _ => Err(unexpected()),
    }
}

/// What only its service asks for, and what it wants to hear, are told as a whole: what is not named comes from what is there.
async fn update(update: Update, config: &Config, out: &Output) -> Result<(), Failure> {
    let Update { channel, name, service, settings, enable, disable } = update;
    let look = Work::ShowChannel { channel };
    let mut session = Session::open(config, &look).await?;
    let done = async {
        let Reply::Channel(present) = session.call(look).await? else { return Err(unexpected()) };
        let change = ChannelChange {
            name,
            enabled: (enable || disable).then_some(enable),
            service: service.changed(present.service)?,
            ..settings.change(present.filter)?
        };
        session.call(Work::UpdateChannel { channel: present.id.to_string(), change }).await
    }
    .await;
    session.close().await?;
    match done? {
        Reply::Channel(channel) => out.show(&channel, || one(&channel)),
        _ => Err(unexpected()),
    }
}

fn table(channels: &[ChannelView]) -> String {
    if channels.is_empty() {
        return "no channels: nobody is told of anything; add one: posthaste channels add NAME --kind KIND"
            .to_owned();
    }
    let mut table = output::table(&["NAME", "KIND", "AT", "STATE", "HEARS", "ID"]);
    for channel in channels {
        table.add_row([
            channel.name.clone(),
            channel.service.as_str().to_owned(),
            channel.target_host.clone().unwrap_or_else(|| "-".to_owned()),
            state(channel).to_owned(),
            hears(channel),
            channel.id.to_string(),
        ]);
    }
    table.to_string()
}

fn one(channel: &ChannelView) -> String {
    let yes = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    let mut rows = vec![
        ("name", channel.name.clone()),
        ("id", channel.id.to_string()),
        ("kind", channel.service.as_str().to_owned()),
        ("at", channel.target_host.clone().unwrap_or_else(|| "-".to_owned())),
    ];
    rows.extend(service::rows(&channel.service));
    rows.extend([
        ("state", state(channel).to_owned()),
        ("key", yes(channel.has_key)),
        ("private address", yes(channel.allow_private)),
        ("proxy", channel.proxy.clone().unwrap_or_else(|| "-".to_owned())),
        ("language", channel.language.to_string()),
        ("hears", hears(channel)),
        ("collects for", format!("{} s", channel.digest_seconds)),
        ("a minute", channel.per_minute.to_string()),
        ("made", channel.created_at.to_string()),
        ("changed", channel.updated_at.to_string()),
    ]);
    output::list(&rows)
}

fn state(channel: &ChannelView) -> &'static str {
    if channel.enabled { "on" } else { "off" }
}

fn hears(channel: &ChannelView) -> String {
    let NoticeFilter { kinds, least, subjects, without_recoveries } = &channel.filter;
    let mut parts = match kinds.is_empty() {
        true => vec!["everything".to_owned()],
        false => vec![kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ")],
    };
    if *least != Severity::default() {
        parts.push(format!("{} at least", least.as_str()));
    }
    if !subjects.is_empty() {
        parts.push(output::counted(subjects.len() as u64, "subject", "subjects"));
    }
    if *without_recoveries {
        parts.push("no recoveries".to_owned());
    }
    parts.join("; ")
}

fn told(delivery: &DeliveryView) -> String {
    let tries = output::counted(delivery.tries.into(), "try", "tries");
    let error = delivery.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    format!("{} after {tries}{error}", delivery.outcome.replace('_', " "))
}

fn deliveries_table(deliveries: &[DeliveryView]) -> String {
    if deliveries.is_empty() {
        return "no messages yet".to_owned();
    }
    let mut table = output::table(&["AT", "WHAT", "BECAME", "TRIES", "ERROR"]);
    for delivery in deliveries {
        let titles: Vec<_> = delivery.notices.iter().map(|noted| noted.title.as_str()).collect();
        table.add_row([
            delivery.at.to_string(),
            titles.join("; "),
            delivery.outcome.replace('_', " "),
            delivery.tries.to_string(),
            delivery.error.clone().unwrap_or_default(),
        ]);
    }
    table.to_string()
}
