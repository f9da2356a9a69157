// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici

// Types of an [Alert]. Newer daemons may have more.
const (
	AlertRADIUSNotResponding = "radius-not-responding" // no RADIUS server answers
	AlertShutdownSignal      = "shutdown-signal"       // the daemon is about to end

	AlertLocalAuthFailed       = "local-auth-failed"       // this end could not authenticate itself to the peer
	AlertPeerAuthFailed        = "peer-auth-failed"        // the peer could not authenticate itself
	AlertAuthorizationFailed   = "authorization-failed"    // the peer is who it says, and still may not connect
	AlertPeerAddrFailed        = "peer-addr-failed"        // the peer's name does not resolve to an address
	AlertPeerInitUnreachable   = "peer-init-unreachable"   // the peer does not answer the first message
	AlertProposalMismatchIKE   = "proposal-mismatch-ike"   // no proposal for the IKE_SA suits both ends
	AlertUniqueReplace         = "unique-replace"          // the IKE_SA was deleted, since a new one with the peer replaces it
	AlertUniqueKeep            = "unique-keep"             // the IKE_SA was deleted, since the one with the peer is kept
	AlertVIPFailure            = "vip-failure"             // virtual IPs that were asked for cannot be assigned
	AlertIKESAExpired          = "ike-sa-expired"          // the IKE_SA was not rekeyed in time
	AlertHalfOpenTimeout       = "half-open-timeout"       // the peer began and did not go on
	AlertInvalidIKESPI         = "invalid-ike-spi"         // a message with an SPI of no IKE_SA
	AlertParseErrorHeader      = "parse-error-header"      // a message whose header is not valid
	AlertParseErrorBody        = "parse-error-body"        // a message whose content is not valid, or not decrypted
	AlertRetransmitSend        = "retransmit-send"         // a message is sent again, since no answer came
	AlertRetransmitSendCleared = "retransmit-send-cleared" // the answer came after all
	AlertRetransmitSendTimeout = "retransmit-send-timeout" // it did not come: the peer is taken for dead
	AlertRetransmitReceive     = "retransmit-receive"      // the peer sent a message again

	AlertProposalMismatchChild    = "proposal-mismatch-child"     // no proposal for the CHILD_SA suits both ends
	AlertTSMismatch               = "ts-mismatch"                 // no traffic selector suits both ends
	AlertTSNarrowed               = "ts-narrowed"                 // less traffic was agreed on than asked for
	AlertInstallChildSAFailed     = "install-child-sa-failed"     // the kernel did not take the SA
	AlertInstallChildPolicyFailed = "install-child-policy-failed" // the kernel did not take the policy
	AlertKeepOnChildSAFailure     = "keep-on-child-sa-failure"    // the IKE_SA stays although its CHILD_SA failed

	AlertCertExpired          = "cert-expired"
	AlertCertRevoked          = "cert-revoked"
	AlertCertValidationFailed = "cert-validation-failed" // whether it is revoked could not be told
	AlertCertNoIssuer         = "cert-no-issuer"         // the CA's certificate is missing
	AlertCertUntrustedRoot    = "cert-untrusted-root"    // the chain ends at a CA that is not trusted
	AlertCertExceededPathLen  = "cert-exceeded-path-len" // more CAs in the chain than one of them allows
	AlertCertPolicyViolation  = "cert-policy-violation"  // the chain breaks a policy of one of its CAs
)
