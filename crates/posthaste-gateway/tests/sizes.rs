//! How large the futures are that the front carries about: each layer that awaits one moves it.

mod support;

use posthaste_core::{Dialect, Operation};
use posthaste_gateway::Call;
use support::{Rig, whole};

#[tokio::test]
async fn a_request_is_carried_in_a_small_future() {
    let rig = Rig::new(Vec::new()).await;
    let call =
        Call::new(rig.caller().await, Dialect::AnthropicMessages, Operation::Chat, whole().to_string());
    let answering = rig.relay.call(call);
    assert!(size_of_val(&answering) <= 4_096, "{} bytes", size_of_val(&answering));
}
