// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package vici_test

import (
	"go/ast"
	"go/doc"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fieldsSince lists the fields that are younger than their command or event, and what brought them.
func fieldsSince() map[string]string {
	return map[string]string{
		"InitiateRequest": "5.3.3 InitLimits, 5.4.0 IKE, 5.8.0 Child", "TerminateRequest": "5.6.3 Force", "RekeyRequest": "5.7.0 Reauth",
		"RedirectResult": "5.5.2 Matches", "InstallRequest": "5.4.0 IKE, 5.5.2 IKE",
		"ListSAsRequest": "5.9.6 Child ChildID", "ListPoliciesRequest": "5.5.2 IKE", "ListCertsRequest": "5.4.0 Flag",
		"LoadCertRequest": "5.4.0 Flag", "LoadKeyRequest": "5.9.1 Type", "LoadSharedRequest": "5.5.2 ID, 5.5.2 Type, 5.7.0 Type",
		"PoolsRequest": "5.3.4 Leases, 5.5.2 Name",

		"IKESA": "5.3.4 NATLocal NATRemote NATFake NATAny LocalVIPs RemoteVIPs, 5.4.0 LocalPort RemotePort, 5.7.0 PPK, 5.8.0 IfIDIn IfIDOut",
		"ChildSA": "5.3.0 UniqueID, 5.5.2 Name MarkIn MarkMaskIn MarkOut MarkMaskOut, 5.8.0 IfIDIn IfIDOut, 5.9.6 Label," +
			" 6.0.2 PerCPUSAs CPU",
		"Suite": "6.0.0 AdditionalKE", "IKEUpDown": "5.3.3 Up", "ChildUpDown": "5.3.3 Up",
		"Policy": "5.5.2 Child IKE, 5.9.6 Label, 6.0.2 ReqID",
		"Conn": "5.5.0 ReauthTime RekeyTime, 5.5.2 Unique, 5.6.2 DPDDelay DPDTimeout, 5.7.0 PPKID PPKRequired, 6.0.3 LocalPort RemotePort," +
			" 6.1.0 Proposals",
		"Auth": "5.7.0 CertPolicies, 5.8.2 CAID",
		"ConnChild": "5.5.0 RekeyTime RekeyBytes RekeyPackets Interface Priority, 5.6.2 DPDAction CloseAction, 5.9.6 Label," +
			" 6.1.0 ESPProposals AHProposals",
		"Cert": "5.4.0 Flag NotBefore NotAfter", "Pool": "5.3.4 Leases",
		"Algorithms": "5.5.1 XOF, 5.8.2 DRBG, 5.9.6 KDF, 6.0.0 KeyExchange",

		"ConnConfig": "5.5.2 DSCP Mediation MediatedBy MediationPeer, 5.5.3 Fragmentation, 5.7.0 PPKID PPKRequired," +
			" 5.8.0 Childless IfIDIn IfIDOut, 5.9.10 Childless, 5.9.14 OCSP",
		"AuthConfig": "5.4.0 Round PublicKeys, 5.5.2 CertPolicies CertSources CACertSources, 5.8.2 CAID, 6.0.2 ID",
		"ChildConfig": "5.3.3 Policies, 5.5.0 Interface, 5.5.1 PoliciesFwdOut, 5.5.2 Mode, 5.5.3 HWOffload SHA256Trunc, 5.6.1 MarkInSA," +
			" 5.7.0 SetMarkIn SetMarkOut CopyDF CopyECN CopyDSCP, 5.8.0 IfIDIn IfIDOut, 5.9.6 Label LabelMode, 6.0.2 Mode PerCPUSAs, 6.0.5 ICMP",
		"AuthorityConfig": "5.5.2 File Handle Slot Module", "PoolConfig": "6.0.3 PCSCF",
	}
}

// TestFieldsDocumented holds that the comment of each field says which release brought it, where that is not the one of its
// command or event.
func TestFieldsDocumented(t *testing.T) {
	comments := make(map[string]string)
	for _, typ := range packageDoc(t).Types {
		fieldComments(typ, comments)
	}
	mentioned := make(map[string]bool)
	for typ, text := range fieldsSince() {
		for part := range strings.SplitSeq(text, ",") {
			words := strings.Fields(part)
			for _, field := range words[1:] {
				name := typ + "." + field
				require.Contains(t, comments, name)
				require.Contains(t, comments[name], words[0], name)
				mentioned[name] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(comments)) {
		if strings.Contains(comments[name], "since 5.") || strings.Contains(comments[name], "since 6.") {
			require.True(t, mentioned[name], "%s has a release that no test knows", name)
		}
	}
}

// TestAlertTypes compares the constants with the types that daemons up to 6.1.0 send: named alike, and none left out.
func TestAlertTypes(t *testing.T) {
	types := strings.Fields(`radius-not-responding shutdown-signal local-auth-failed peer-auth-failed peer-addr-failed
		peer-init-unreachable invalid-ike-spi parse-error-header parse-error-body retransmit-send retransmit-send-cleared
		retransmit-send-timeout retransmit-receive half-open-timeout proposal-mismatch-ike proposal-mismatch-child ts-mismatch
		ts-narrowed install-child-sa-failed install-child-policy-failed unique-replace unique-keep keep-on-child-sa-failure
		vip-failure authorization-failed ike-sa-expired cert-expired cert-revoked cert-validation-failed cert-no-issuer
		cert-untrusted-root cert-exceeded-path-len cert-policy-violation`)
	var want, got []string
	for _, typ := range types {
		want = append(want, "alert"+strings.ReplaceAll(typ, "-", "")+` = "`+typ+`"`)
	}
	for _, group := range packageDoc(t).Consts {
		for _, spec := range group.Decl.Specs {
			c := spec.(*ast.ValueSpec)
			if strings.HasPrefix(c.Names[0].Name, "Alert") {
				got = append(got, strings.ToLower(c.Names[0].Name)+" = "+c.Values[0].(*ast.BasicLit).Value)
			}
		}
	}
	require.ElementsMatch(t, want, got)
}

// fieldComments adds the comments of a struct's fields.
func fieldComments(typ *doc.Type, comments map[string]string) {
	for _, spec := range typ.Decl.Specs {
		structure, ok := spec.(*ast.TypeSpec).Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, field := range structure.Fields.List {
			for _, name := range field.Names {
				comments[typ.Name+"."+name.Name] = oneLine(field.Doc.Text() + " " + field.Comment.Text())
			}
		}
	}
}
