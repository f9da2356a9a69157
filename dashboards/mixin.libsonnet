// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// The dashboards and rules beside this file for users of monitoring mixins. Without changes to _config it
// offers exactly what the files contain.
local alerts = std.parseYaml(importstr 'rules/alerts.yml');
local recording = std.parseYaml(importstr 'rules/recording.yml');

// thresholds: where in which alerts' expressions each threshold stands. It must stand there once.
local thresholds = {
  scrapeDurationSeconds: { alert: 'StrongSwanScrapeSlow', text: '> %s', default: 5 },
  unlistedShare: { alert: 'StrongSwanSweepIncomplete', text: '> %s *', default: 0.01 },
  restartsPerHour: { alert: 'StrongSwanRestarting', text: '> %s', default: 2 },
  idleThreads: { alert: 'StrongSwanWorkersSaturated', text: '< %s', default: 2 },
  queuedJobs: { alert: 'StrongSwanJobsQueued', text: '> %s', default: 20 },
  halfOpenIKESAs: { alert: 'StrongSwanHalfOpenHigh', text: '> %s', default: 50 },
  silentPackets: { alert: 'StrongSwanTunnelSilent', text: '> %s\n', default: 10 },
  childOverdueSeconds: { alert: 'StrongSwanChildRekeyOverdue', text: 'seconds > %s', default: 300 },
  expirySeconds: { alert: 'StrongSwanTunnelExpiring', text: '< %s', default: 300 },
  failedIKESAs: { alert: 'StrongSwanConnectionFailing', text: '> %s', default: 3 },
  authenticationFailures: { alert: 'StrongSwanAuthenticationFailed', text: ') > %s', default: 3 },
  proposalMismatches: { alert: 'StrongSwanProposalMismatch', text: ') > %s', default: 3 },
  retransmitTimeouts: { alert: 'StrongSwanRetransmitTimeouts', text: ') > %s', default: 2 },
  certificateWarningDays: { alert: 'StrongSwanCertificateExpiring', severity: 'warning', text: '< %s * 86400', default: 21 },
  certificateCriticalDays: { alert: 'StrongSwanCertificateExpiring', severity: 'critical', text: '< %s * 86400', default: 7 },
  certificateWarningShare: { alert: 'StrongSwanCertificateExpiring', severity: 'warning', text: '> %s *', default: 0.25 },
  certificateCriticalShare: { alert: 'StrongSwanCertificateExpiring', severity: 'critical', text: '> %s *', default: 0.1 },
  caDays: { alert: 'StrongSwanCAExpiring', text: '< %s * 86400', default: 60 },
  crlShare: { alert: 'StrongSwanCRLExpiring', severity: 'info', text: '< %s * max', default: 0.1 },
  poolShare: { alert: 'StrongSwanPoolNearlyFull', text: ') > %s', default: 0.9 },
  poolMinimum: { alert: ['StrongSwanPoolNearlyFull', 'StrongSwanPoolExhausted'], text: 'addresses > %s)', default: 1 },
};

// number writes 0.1 as 0.1, as the rules do; as a string it would have all binary digits.
local number(n) = '%g' % n;

local isNameChar(c) = std.member('abcdefghijklmnopqrstuvwxyz_', c);

// nameLength: how many characters of the beginning of a text belong to a metric's name.
local nameLength(text, i=0) =
  if i < std.length(text) && isNameChar(text[i]) then nameLength(text, i + 1) else i;

// select adds a selector to every metric of the exporter in an expression. Recorded metrics have a colon before the name.
local select(expr, selector) =
  local parts = std.split(expr, 'strongswan_');
  local part(i) =
    local n = nameLength(parts[i]);
    local name = std.substr(parts[i], 0, n);
    local rest = std.substr(parts[i], n, std.length(parts[i]) - n);
    if i == 0 || std.endsWith(parts[i - 1], ':') then parts[i]
    else if std.startsWith(rest, '{') then name + '{' + selector + ', ' + std.substr(rest, 1, std.length(rest) - 1)
    else name + '{' + selector + '}' + rest;
  if selector == '' then expr
  else std.join('strongswan_', [part(i) for i in std.range(0, std.length(parts) - 1)]);

// replaceOnce replaces a text that stands exactly once.
local replaceOnce(where, text, old, new) =
  assert std.length(std.findSubstr(old, text)) == 1 : '%s: not exactly one "%s"' % [where, old];
  std.strReplace(text, old, new);

{
  _config+:: {
    // Added to every metric of the exporter in the rules, for example 'job="vpn"'.
    strongswanSelector: '',

    // The target of the exporter itself, in the alerts that it is down or absent.
    exporterSelector: 'job=~".*strongswan.*"',

    // What makes a connection one for road warriors, of which being down is no outage.
    roadWarriorSelector: 'remote_addrs=~"(%any6?,?)+"',

    // Where the runbooks are; the alert's name follows in lower case.
    runbookURL: 'https://github.com/strongswan-exporter/strongswan_exporter/blob/main/docs/runbooks.md#',

    thresholds: { [name]: thresholds[name].default for name in std.objectFields(thresholds) },

    // Changes by the alert's name, such as { StrongSwanTunnelDown: { 'for': '10m', labels+: { severity: 'warning' } } }; null
    // removes the alert.
    alerts: {},

    // Changes to every dashboard, such as { refresh: '5m' }.
    dashboard: {},
  },

  local config = $._config,

  local expression(expr) =
    local selected = select(expr, config.strongswanSelector);
    local exporter = std.strReplace(selected, 'job=~".*strongswan.*"', config.exporterSelector);
    std.strReplace(exporter, 'remote_addrs=~"(%any6?,?)+"', config.roadWarriorSelector),

  local applies(rule, name) =
    local t = thresholds[name];
    std.member(if std.isArray(t.alert) then t.alert else [t.alert], rule.alert) &&
    (!std.objectHas(t, 'severity') || t.severity == rule.labels.severity),

  local withThresholds(rule) = rule {
    expr: std.foldl(
      function(expr, name)
        local t = thresholds[name];
        replaceOnce(name, expr, t.text % number(t.default), t.text % number(config.thresholds[name])),
      [name for name in std.objectFields(thresholds) if applies(rule, name)],
      rule.expr,
    ),
  },

  local alert(rule) =
    local changed = withThresholds(rule);
    changed {
      expr: expression(changed.expr),
      annotations+: { runbook_url: config.runbookURL + std.asciiLower(rule.alert) },
    } + (if std.objectHas(config.alerts, rule.alert) then config.alerts[rule.alert] else {}),

  local wanted(rule) = !std.objectHas(config.alerts, rule.alert) || config.alerts[rule.alert] != null,

  local checked =
    local names = [rule.alert for group in alerts.groups for rule in group.rules];
    assert std.length(std.setDiff(std.objectFields(config.alerts), std.set(names))) == 0 : '_config.alerts names an unknown alert';
    assert std.objectFields(config.thresholds) == std.objectFields(thresholds) : '_config.thresholds has an unknown name';
    true,

  prometheusAlerts+:: {
    assert checked,
    groups+: [
      group { rules: [alert(rule) for rule in group.rules if wanted(rule)] }
      for group in alerts.groups
    ],
  },

  prometheusRules+:: {
    groups+: [
      group { rules: [rule { expr: expression(rule.expr) } for rule in group.rules] }
      for group in recording.groups
    ],
  },

  grafanaDashboards+:: {
    'strongswan-overview.json': (import 'grafana/strongswan-overview.json') + config.dashboard,
    'strongswan-gateway.json': (import 'grafana/strongswan-gateway.json') + config.dashboard,
    'strongswan-peers.json': (import 'grafana/strongswan-peers.json') + config.dashboard,
  },
}
