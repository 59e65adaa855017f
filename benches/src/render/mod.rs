//! stub
pub mod table {
    pub fn text(r: &crate::report::Report) -> String {
        let mut s = String::new();
        for w in &r.workloads {
            s += &format!("{} ideal {:.1}\n", w.workload, crate::report::median(&w.ideal));
            for e in &w.entries {
                s += &format!(
                    "   {:<16} {:>12.2} {:>7.3} cpu {:>9.2} mem {:?} n {}\n",
                    e.contender,
                    crate::report::median(&e.nanoseconds),
                    e.ratio_to(&w.ideal),
                    crate::report::median(&e.cpu),
                    e.memory,
                    e.items
                );
            }
        }
        s
    }
}
pub mod markdown {
    pub fn markdown(_: &crate::report::Report) -> String {
        String::new()
    }
}
pub mod html {
    pub fn html(_: &crate::report::Report) -> String {
        String::new()
    }
}
