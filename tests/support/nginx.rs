//! A real nginx in front of a simulated cluster, with TLS and with the limits that nginx has by default.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kubesim::{Cluster, Guard, Kubeconfig};
use serde_json::json;
use tempfile::TempDir;

use crate::support::eventually;

/// Upgrades pass, as its documentation says how (https://nginx.org/en/docs/http/websocket.html), and so do watches, bit by bit;
/// the rest is the default, but for what would be outside its directory.
const CONFIGURATION: &str = "
daemon off;
master_process off;
pid PLACE/pid;
error_log PLACE/error.log;
events {}
http {
    log_format lines '$status $request';
    access_log PLACE/access.log lines;
    client_body_temp_path PLACE/body;
    proxy_temp_path PLACE/proxy;
    fastcgi_temp_path PLACE/fastcgi;
    uwsgi_temp_path PLACE/uwsgi;
    scgi_temp_path PLACE/scgi;
    map $http_upgrade $connection_upgrade {
        default upgrade;
        '' close;
    }
    server {
        listen 127.0.0.1:PORT ssl;
        ssl_certificate PLACE/certificate;
        ssl_certificate_key PLACE/key;
        location / {
            proxy_pass http://CLUSTER;
            proxy_http_version 1.1;
            proxy_buffering off;
            proxy_set_header Host $host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
        }
    }
}
";

/// It ends with this value, and with the test however that ends.
pub struct Nginx {
    child: Child,
    port: u16,
    directory: TempDir,
    _guard: Guard,
}

impl Nginx {
    /// In front of this cluster, whose kubeconfig leads through it from now on.
    pub fn before(cluster: &Cluster) -> Self {
        let directory = tempfile::Builder::new().prefix("ng").tempdir().unwrap();
        let place = directory.path();
        let guard = Guard::of(place).unwrap();
        let (certificate, key) = cluster.certificate();
        fs::write(place.join("certificate"), certificate).unwrap();
        fs::write(place.join("key"), key).unwrap();
        let (child, port) = start(place, &cluster.address().to_string());
        let nginx = Self { child, port, directory, _guard: guard };
        nginx.kubeconfig(cluster).write(&cluster.kubeconfig());
        nginx
    }

    fn kubeconfig(&self, cluster: &Cluster) -> Kubeconfig {
        let server = format!("https://127.0.0.1:{}", self.port);
        let authority = STANDARD.encode(cluster.authority());
        let login = cluster.admin("operator");
        Kubeconfig::new().entry(
            "nginx",
            json!({ "server": server, "certificate-authority-data": authority }),
            json!({ "token": login.token }),
        )
    }

    /// What it was asked, a line each: `STATUS METHOD TARGET HTTP/1.1`. It writes a line when the answer is over.
    pub fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(self.directory.path().join("access.log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(place: &Path, cluster: &str) -> (Child, u16) {
    for _ in 0..20 {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let configuration = CONFIGURATION.replace("PLACE", place.to_str().unwrap());
        let configuration = configuration.replace("PORT", &port.to_string()).replace("CLUSTER", cluster);
        fs::write(place.join("nginx.conf"), configuration).unwrap();
        let mut child = Command::new(program())
            .args(["-p", place.to_str().unwrap(), "-c", "nginx.conf", "-e", "error.log"])
            // By this the guard knows it.
            .env("HOME", place.join("home"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("nginx: {error}; make/need.sh test installs it"));
        let listens = eventually("nginx to listen", || match child.try_wait().unwrap() {
            Some(_) => Some(false),
            None => TcpStream::connect(("127.0.0.1", port)).is_ok().then_some(true),
        });
        if listens {
            return (child, port);
        }
        let said = fs::read_to_string(place.join("error.log")).unwrap_or_default();
        assert!(said.contains("Address already in use"), "nginx has ended: {said}");
    }
    panic!("no port for nginx");
}

/// Debian has it in a directory that is not on everybody's PATH.
fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let found = directories.map(|directory| directory.join("nginx")).find(|file| file.exists());
    found.expect("nginx is missing; make/need.sh test installs it")
}
