//! An operator, an account and users of a test's own, as `nsc` would make them.

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use nkeys::KeyPair;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What a server and its users need.
pub struct Operator {
    operator: KeyPair,
    account: KeyPair,
    /// JetStream needs one of the server's own.
    system: KeyPair,
}

impl Operator {
    pub fn new() -> Operator {
        Operator {
            operator: KeyPair::new_operator(),
            account: KeyPair::new_account(),
            system: KeyPair::new_account(),
        }
    }

    /// The server's configuration: it trusts the operator, and knows the account.
    pub fn config(&self) -> String {
        let public = self.operator.public_key();
        let operator =
            token(&self.operator, &public, "operator", json!({ "type": "operator", "version": 2 }));
        let limits = json!({
            "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1,
            "leaf": -1, "mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1
        });
        let nats = json!({ "type": "account", "version": 2, "limits": limits });
        let (account, system) = (self.account.public_key(), self.system.public_key());
        let accounts = [(&account, nats), (&system, json!({ "type": "account", "version": 2 }))]
            .map(|(key, nats)| format!("{key}: {}", token(&self.operator, key, "account", nats)))
            .join(", ");
        format!(
            "operator: {operator}\nsystem_account: {system}\nresolver: MEMORY\nresolver_preload: {{ {accounts} }}"
        )
    }

    /// A credentials file of a user with these permissions (all, if none are given).
    pub fn user(&self, permissions: Option<(&[&str], &[&str])>) -> String {
        let user = KeyPair::new_user();
        let mut nats = json!({ "type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1 });
        if let Some((publish, subscribe)) = permissions {
            nats["pub"] = json!({ "allow": publish });
            nats["sub"] = json!({ "allow": subscribe });
            nats["resp"] = json!({ "max": 1, "ttl": 60_000_000_000u64 });
        }
        let jwt = token(&self.account, &user.public_key(), "user", nats);
        let seed = user.seed().unwrap();
        format!(
            "-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
        )
    }
}

/// A token about `subject`, signed by `issuer`.
fn token(issuer: &KeyPair, subject: &str, name: &str, nats: Value) -> String {
    let mut claims = json!({
        "iat": 1_700_000_000, "iss": issuer.public_key(), "sub": subject, "name": name, "nats": nats
    });
    claims["jti"] = BASE32_NOPAD.encode(&Sha256::digest(claims.to_string())).into();
    let header = json!({ "typ": "JWT", "alg": "ed25519-nkey" });
    let encode = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let signed = format!("{}.{}", encode(&header), encode(&claims));
    let signature = issuer.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
}
