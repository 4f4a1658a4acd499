//! `demo`: something to look at.

use std::{fs, time::Duration};

use serde_json::Value;

use crate::place::{CUSTOMER, Place};

const SEVEN_HUNDRED_DAYS: Duration = Duration::from_hours(700 * 24);

/// What a customer's history tells, but for the revisions; times to the minute.
async fn history(place: &Place, org: &str) -> Vec<[String; 5]> {
    let server = place.serve();
    let path = format!("/v4/orgs/{org}/customers/{CUSTOMER}/categories/historical");
    let (status, body) = server.request("GET", &path, None).await;
    assert_eq!(status, 200, "{body}");
    let told = |entry: &Value| {
        let minute = entry["changed_at"].as_str().unwrap().get(..16).unwrap().to_owned();
        let [id, change, value, author] =
            ["id", "change", "value", "changed_by"].map(|member| entry[member].to_string());
        [minute, id, change, value, author]
    };
    body["history"].as_array().unwrap().iter().map(told).collect()
}

#[tokio::test]
async fn it_fills_an_organisation_with_two_years_and_always_with_the_same() {
    let [place, other] = [Place::new(), Place::new()];
    let fill = |place: &Place| place.run(&["demo", "--customers", "12"]);
    // It makes the data file, too.
    fs::remove_file(place.path("data.db")).unwrap();
    let done = fill(&place);
    assert_eq!(done.code, 0, "{}", done.remarks);
    assert!(done.output.contains("12 customers and the catalogue of demo"), "{}", done.output);
    assert!(done.output.contains(CUSTOMER), "{}", done.output);
    assert_eq!(fill(&other).code, 0);

    let told = history(&place, "demo").await;
    assert_eq!(told, history(&other, "demo").await);
    assert!(told.len() > 15, "{told:?}");
    for pair in told.windows(2) {
        assert!(pair[0][0] >= pair[1][0], "{pair:?}");
    }
    let first = humantime::parse_rfc3339(&format!("{}:00Z", told.last().unwrap()[0])).unwrap();
    assert!(first.elapsed().unwrap() > SEVEN_HUNDRED_DAYS);

    let survey = |place: &Place| place.run(&["catalogue", "survey", "--org", "demo"]);
    let surveyed = survey(&place);
    assert_eq!((surveyed.code, &surveyed.output), (0, &survey(&other).output));
    assert!(surveyed.output.contains("\"Loyalty tier\""), "{}", surveyed.output);
    assert!(!surveyed.output.contains("not valid"), "{}", surveyed.output);
}

#[test]
fn an_organisation_with_a_catalogue_is_left_alone() {
    let place = Place::new();
    place.write("definitions.jsonl", r#"{"id": 7, "name": "Tier"}"#);
    assert_eq!(place.run(&["catalogue", "import", "definitions.jsonl", "--org", "telco"]).code, 0);
    let done = place.run(&["demo", "--org", "telco"]);
    assert_eq!(done.code, 1);
    assert!(done.remarks.contains("the organisation telco has a catalogue already"), "{}", done.remarks);
    let survey = place.run(&["catalogue", "survey", "--org", "telco"]).output;
    assert!(survey.contains("\"Tier\"") && !survey.contains("Loyalty"), "{survey}");
}
