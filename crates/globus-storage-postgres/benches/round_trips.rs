//! prototype
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use std::time::{Duration, Instant};
use test_services::postgres::{Durability, Server};
use tokio_postgres::NoTls;

const SELECT: &str = "SELECT record FROM t WHERE namespace = $1 AND resource_server = $2";
const LOCK: &str = "SELECT record FROM t WHERE namespace = $1 AND resource_server = $2 FOR UPDATE";
const UPSERT: &str = "INSERT INTO t (namespace, resource_server, record) VALUES ($1,$2,$3) ON CONFLICT (namespace, resource_server) DO UPDATE SET record = excluded.record, updated_at = excluded.updated_at";
const CAS: &str = "UPDATE t SET record = $3, updated_at = now() WHERE namespace = $1 AND resource_server = $2 AND record = $4";

fn text(i: usize) -> String {
    format!(
        "{{\"resource_server\": \"transfer.api.globus.org\", \"scope\": \"urn:globus:auth:scope:transfer.api.globus.org:all\", \"access_token\": \"{}{i:08}\", \"refresh_token\": \"{}\", \"expires_at_seconds\": 1700000000, \"token_type\": \"Bearer\"}}",
        "A".repeat(120),
        "R".repeat(60)
    )
}

async fn variant(pool: &Pool, v: usize, i: usize) {
    let c = pool.get().await.unwrap();
    let (ns, rs) = ("DEFAULT", "transfer.api.globus.org");
    match v {
        0 => {
            let s = c.prepare_cached(SELECT).await.unwrap();
            c.query(&s, &[&ns, &rs]).await.unwrap();
        }
        1 => {
            let s = c.prepare_cached(UPSERT).await.unwrap();
            c.execute(&s, &[&ns, &rs, &text(i)]).await.unwrap();
        }
        2 => {
            // careful
            let mut c = c;
            let t = c.transaction().await.unwrap();
            let s = t.prepare_cached(LOCK).await.unwrap();
            let u = t.prepare_cached(UPSERT).await.unwrap();
            t.query(&s, &[&ns, &rs]).await.unwrap();
            t.execute(&u, &[&ns, &rs, &text(i)]).await.unwrap();
            t.commit().await.unwrap();
        }
        3 => {
            // H1
            let s = c.prepare_cached(SELECT).await.unwrap();
            let u = c.prepare_cached(CAS).await.unwrap();
            let old: String = c.query(&s, &[&ns, &rs]).await.unwrap()[0].get(0);
            assert_eq!(c.execute(&u, &[&ns, &rs, &text(i), &old]).await.unwrap(), 1);
        }
        4 => {
            // H2
            let s = c.prepare_cached(LOCK).await.unwrap();
            let u = c.prepare_cached(UPSERT).await.unwrap();
            let p: [&(dyn tokio_postgres::types::ToSql + Sync); 2] = [&ns, &rs];
            let (a, b) = tokio::join!(
                c.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = 40000"),
                c.query(&s, &p)
            );
            a.unwrap();
            b.unwrap();
            let t = text(i);
            let p: [&(dyn tokio_postgres::types::ToSql + Sync); 3] = [&ns, &rs, &t];
            let (a, b) = tokio::join!(c.execute(&u, &p), c.batch_execute("COMMIT"));
            a.unwrap();
            b.unwrap();
        }
        5 => {
            // H1 unprepared-limits: select + cas with lock_timeout set pipelined
            let s = c.prepare_cached(SELECT).await.unwrap();
            let u = c.prepare_cached(CAS).await.unwrap();
            let old: String = c.query(&s, &[&ns, &rs]).await.unwrap()[0].get(0);
            let t = text(i);
            let p: [&(dyn tokio_postgres::types::ToSql + Sync); 4] = [&ns, &rs, &t, &old];
            let (a, b, d) = tokio::join!(
                c.batch_execute("BEGIN; SET LOCAL lock_timeout = 40000"),
                c.execute(&u, &p),
                c.batch_execute("COMMIT")
            );
            a.unwrap();
            assert_eq!(b.unwrap(), 1);
            d.unwrap();
        }
        _ => unreachable!(),
    }
}
fn main() {
    let rt = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    rt.block_on(async {
        for d in [Durability::Off, Durability::On] {
            let server = Server::start(d);
            let pool = Pool::builder(Manager::from_config(server.connection().parse().unwrap(), NoTls, ManagerConfig{recycling_method: RecyclingMethod::Fast})).max_size(4).build().unwrap();
            pool.get().await.unwrap().batch_execute("CREATE TABLE t (namespace text COLLATE \"C\", resource_server text COLLATE \"C\", record text not null, updated_at timestamptz default now(), primary key (namespace, resource_server))").await.unwrap();
            let names = ["select","upsert","careful","H1 read+cas","H2 pipelined tx","H3 read + pipelined tx cas"];
            let mut times = vec![Vec::new(); names.len()];
            for i in 0..1200 { for k in 0..names.len() {
                let v = (k + i) % names.len();
                if i == 0 { variant(&pool, 1, 0).await; }
                let b = Instant::now(); variant(&pool, v, i*10+v).await; let t = b.elapsed();
                if i >= 200 { times[v].push(t); }
            }}
            for (n,t) in names.iter().zip(&mut times) { t.sort(); let m: Duration = t[t.len()/2]; println!("{d:?} {n}: {m:?}  p90 {:?}", t[t.len()*9/10]); }
        }
    });
}
