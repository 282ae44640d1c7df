// An OpenID Connect provider for the test of logging in: node-oidc-provider, with its own login and consent pages.
// Usage: node provider.mjs REDIRECT_URI. Prints its issuer when it listens, and stops when its standard input ends.

import { createServer } from 'node:http';

import Provider from 'oidc-provider';

const [redirectUri] = process.argv.slice(2);

const people = {
  ann: { email: 'ann@bank.example', email_verified: true, updated_at: 1700000000, groups: ['risk-officers', 'golf'] },
  bob: { email: 'bob@bank.example', email_verified: true, groups: ['golf'] },
  eve: { email: 'ann@bank.example', email_verified: false, groups: ['risk-officers'] },
};

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: 'causebook', client_secret: 'a secret / with+signs', redirect_uris: [redirectUri] }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], groups: ['groups'], profile: ['updated_at'] },
    // What the scopes ask for goes into the ID token, as with Dex, Keycloak and Entra ID.
    conformIdTokenClaims: false,
    findAccount: (_, id) => people[id] && { accountId: id, claims: () => ({ sub: id, ...people[id] }) },
  });
  server.on('request', provider.callback());
  console.log(issuer);
});

process.stdin.on('end', () => process.exit(0)).resume();
