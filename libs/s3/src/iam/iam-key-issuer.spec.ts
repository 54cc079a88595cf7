import { asFault, redact } from '@operator/outcome';
import { tagsOfOwner } from '@operator/ownership';
import {
  connectionTo,
  driverDeps,
  ownerMark,
  recordingContext,
  refuseIam,
  startFakeS3,
  succeed,
  type FakeAnswer,
  type FakeS3,
} from '@operator/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KeyUser } from '../key-issuer.ts';
import { createUplink, type Uplink } from '../uplink.ts';
import { createIamKeyIssuer, iamUserNameFor } from './iam-key-issuer.ts';
import { planUserTags, wantedUserTags } from './iam-user-tags.ts';

let fake: FakeS3;
let uplink: Uplink;
beforeEach(async () => {
  fake = await startFakeS3();
  uplink = createUplink(connectionTo(fake.endpoint), driverDeps());
});
afterEach(async () => {
  uplink.close();
  await fake.close();
});

const user: KeyUser = { name: iamUserNameFor(ownerMark()), mark: ownerMark(), tags: new Map([['team', 'a']]) };
const reportActions = ['s3:PutInventoryConfiguration', 's3:PutAnalyticsConfiguration'];
const issuerWith = (userTags = true, permissionsBoundaryArn?: string, managedPolicies = false, allActions = true) =>
  createIamKeyIssuer(uplink, {
    managedPolicies,
    allActions,
    permissionsBoundaryArn,
    endpoint: fake.endpoint,
    region: 'us-east-1',
    credentials: connectionTo(fake.endpoint).credentials,
    userTags,
  });
/** Answers by the action; an array is used up one by one, its last stays. Others have put nothing on the user unless it says so. */
const answers = (byAction: Readonly<Record<string, readonly FakeAnswer[]>>) => {
  const seen = new Map<string, number>();
  fake.answer(({ body }) => {
    const action = new URLSearchParams(body).get('Action') ?? '';
    const list = byAction[action] ?? noForeignRights[action] ?? [refuseIam(500, `Unexpected${action}`)];
    const turn = seen.get(action) ?? 0;
    seen.set(action, turn + 1);
    return list[Math.min(turn, list.length - 1)] ?? refuseIam(500, 'Unexpected');
  });
};
const actions = () => fake.requests.map(({ body }) => new URLSearchParams(body).get('Action'));
const result = (action: string, content = ''): FakeAnswer =>
  succeed(`<${action}Response><${action}Result>${content}</${action}Result></${action}Response>`);
const userXml = (path = `/s3-operator/${ownerMark().cluster}/`, tags = wantedUserTags(user)): string =>
  `<User><UserName>${user.name}</UserName><Path>${path}</Path><Arn>arn:aws:iam::1:user${path}${user.name}</Arn><Tags>${[
    ...tags,
  ]
    .map(([key, value]) => `<member><Key>${key}</Key><Value>${value}</Value></member>`)
    .join('')}</Tags></User>`;
const noSuchEntity = refuseIam(404, 'NoSuchEntity');
const rightsLists = ['ListUserPolicies', 'ListAttachedUserPolicies', 'ListGroupsForUser'];
const noForeignRights: Readonly<Record<string, readonly FakeAnswer[]>> = Object.fromEntries(
  rightsLists.map((action) => [action, [result(action)]]),
);
/** Somebody else's inline policy, attached policy and group. */
const foreignRights = {
  ListUserPolicies: [
    result('ListUserPolicies', '<PolicyNames><member>theirs</member><member>s3-operator</member></PolicyNames>'),
  ],
  DeleteUserPolicy: [result('DeleteUserPolicy')],
  ListAttachedUserPolicies: [
    result(
      'ListAttachedUserPolicies',
      '<AttachedPolicies><member><PolicyArn>arn:aws:iam::aws:policy/ReadOnlyAccess</PolicyArn></member></AttachedPolicies>',
    ),
  ],
  DetachUserPolicy: [result('DetachUserPolicy')],
  ListGroupsForUser: [result('ListGroupsForUser', '<Groups><member><GroupName>staff</GroupName></member></Groups>')],
  RemoveUserFromGroup: [result('RemoveUserFromGroup')],
};

/** What deleteUser looks for when IAM keeps the user, in order; nothing of it is there. */
const nothingAttached: Readonly<Record<string, readonly FakeAnswer[]>> = {
  DeleteLoginProfile: [noSuchEntity],
  ...Object.fromEntries(
    ['ListSigningCertificates', 'ListSSHPublicKeys', 'ListServiceSpecificCredentials', 'ListMFADevices'].map(
      (action) => [action, [result(action)]],
    ),
  ),
};

describe('a user name', () => {
  it.each([
    ['short', ownerMark()],
    ['long', ownerMark({ namespace: 'n'.repeat(63), name: 'x'.repeat(253) })],
    ['with dots', ownerMark({ name: 'a.b.c' })],
  ])('%s is legal and at most 64 characters long', (_title, mark) => {
    expect(iamUserNameFor(mark)).toMatch(/^[\w+=,.@-]{1,64}$/);
    expect(iamUserNameFor(mark)).toBe(iamUserNameFor(mark));
  });

  it('differs with every part of the mark, however long the names', () => {
    const long = { namespace: 'n'.repeat(63), name: 'x'.repeat(250) };
    const names = [{}, { uid: 'u' }, { cluster: 'c' }, { name: `${long.name}y` }].map((part) =>
      iamUserNameFor(ownerMark({ ...long, ...part })),
    );
    expect(new Set(names).size).toBe(4);
  });
});

describe('the user', () => {
  it('is created under the path of the cluster, with the mark in its tags', async () => {
    answers({ GetUser: [noSuchEntity], CreateUser: [result('CreateUser', userXml())] });
    await issuerWith().putUser(user, recordingContext());
    const sent = new URLSearchParams(fake.requests[1]?.body);
    expect(sent.get('Path')).toBe(`/s3-operator/${ownerMark().cluster}/`);
    expect([...sent.values()]).toEqual(expect.arrayContaining(['s3.cloud37.dev/uid', ownerMark().uid, 'team']));
    expect(fake.requests[1]?.headers.authorization).toContain('/us-east-1/iam/aws4_request');
  });

  it('is created without tags where the server has none', async () => {
    answers({ GetUser: [noSuchEntity], CreateUser: [result('CreateUser', userXml())] });
    await issuerWith(false).putUser(user, recordingContext());
    expect(fake.requests[1]?.body).not.toContain('Tags');
  });

  it('beyond the quota of the account is refused at once: the SDK would take the code for throttling', async () => {
    answers({ GetUser: [noSuchEntity], CreateUser: [refuseIam(409, 'LimitExceeded')] });
    expect(await issuerWith().putUser(user, recordingContext()).catch(asFault)).toMatchObject({
      kind: 'waiting',
      reason: 'LimitExceeded',
    });
    expect(actions()).toEqual(['GetUser', 'CreateUser']);
  });

  it('that a lost answer had created is taken as ours by its path', async () => {
    answers({
      GetUser: [noSuchEntity, result('GetUser', userXml())],
      CreateUser: [refuseIam(409, 'EntityAlreadyExists')],
    });
    await issuerWith().putUser(user, recordingContext());
    expect(actions()).toEqual(['GetUser', 'CreateUser', 'GetUser', ...rightsLists]);
  });

  it.each([
    ['another path', userXml('/')],
    ['the mark of another object', userXml(undefined, new Map([['s3.cloud37.dev/uid', 'other']]))],
  ])('with %s is not ours: neither changed nor deleted', async (_title, found) => {
    answers({ GetUser: [result('GetUser', found)] });
    const issuer = issuerWith();
    expect(await issuer.observeUser(user, recordingContext())).toMatchObject({ isOurs: false, keys: [] });
    expect(await issuer.putUser(user, recordingContext()).catch(asFault)).toMatchObject({ reason: 'NotOwned' });
    expect(await issuer.deleteUser(user, recordingContext()).catch(asFault)).toMatchObject({ reason: 'NotOwned' });
    expect(new Set(actions())).toEqual(new Set(['GetUser']));
  });

  it('that others have hung policies and groups on is stripped of them and deleted', async () => {
    answers({
      GetUser: [result('GetUser', userXml())],
      ListAccessKeys: [
        result(
          'ListAccessKeys',
          '<AccessKeyMetadata><member><AccessKeyId>AK1</AccessKeyId></member></AccessKeyMetadata>',
        ),
      ],
      DeleteAccessKey: [result('DeleteAccessKey')],
      DeleteUser: [refuseIam(409, 'DeleteConflict'), result('DeleteUser')],
      ...nothingAttached,
      ...foreignRights,
    });
    expect(await issuerWith().deleteUser(user, recordingContext())).toEqual([
      { kind: 'inline policy', name: 'theirs' },
      { kind: 'attached policy', name: 'arn:aws:iam::aws:policy/ReadOnlyAccess' },
      { kind: 'membership of group', name: 'staff' },
    ]);
    expect(actions()).toEqual([
      'GetUser',
      'ListAccessKeys',
      'DeleteAccessKey',
      'DeleteUserPolicy',
      'DeleteUser',
      ...Object.keys(nothingAttached),
      ...rightsLists,
      'DeleteUserPolicy',
      'DetachUserPolicy',
      'RemoveUserFromGroup',
      'DeleteUser',
    ]);
  });

  const inTheWay = {
    GetUser: [result('GetUser', userXml())],
    ListAccessKeys: [result('ListAccessKeys')],
    DeleteUserPolicy: [noSuchEntity],
  };

  it('that a person has equipped loses devices, keys, certificates and credentials, and is deleted', async () => {
    const removals = {
      DeleteLoginProfile: [result('DeleteLoginProfile')],
      ListMFADevices: [
        result(
          'ListMFADevices',
          '<MFADevices><member><SerialNumber>arn:aws:iam::1:mfa/phone</SerialNumber></member><member><SerialNumber>GAHT12345678</SerialNumber></member></MFADevices>',
        ),
      ],
      DeactivateMFADevice: [result('DeactivateMFADevice')],
      DeleteVirtualMFADevice: [result('DeleteVirtualMFADevice')],
      ListSSHPublicKeys: [
        result(
          'ListSSHPublicKeys',
          '<SSHPublicKeys><member><SSHPublicKeyId>APKA1</SSHPublicKeyId></member></SSHPublicKeys>',
        ),
      ],
      DeleteSSHPublicKey: [result('DeleteSSHPublicKey')],
      ListSigningCertificates: [
        result(
          'ListSigningCertificates',
          '<Certificates><member><CertificateId>C1</CertificateId></member></Certificates>',
        ),
      ],
      DeleteSigningCertificate: [result('DeleteSigningCertificate')],
      ListServiceSpecificCredentials: [
        result(
          'ListServiceSpecificCredentials',
          '<ServiceSpecificCredentials><member><ServiceSpecificCredentialId>ACCA1</ServiceSpecificCredentialId></member></ServiceSpecificCredentials>',
        ),
      ],
      DeleteServiceSpecificCredential: [result('DeleteServiceSpecificCredential')],
    };
    answers({ ...inTheWay, ...removals, DeleteUser: [refuseIam(409, 'DeleteConflict'), result('DeleteUser')] });
    expect(await issuerWith().deleteUser(user, recordingContext())).toEqual([
      { kind: 'login profile' },
      { kind: 'signing certificate', name: 'C1' },
      { kind: 'SSH public key', name: 'APKA1' },
      { kind: 'service-specific credential', name: 'ACCA1' },
      { kind: 'MFA device', name: 'arn:aws:iam::1:mfa/phone' },
      { kind: 'MFA device', name: 'GAHT12345678' },
    ]);
    const made = actions();
    for (const action of Object.keys(removals)) expect(made).toContain(action);
    expect(made.filter((action) => action === 'DeactivateMFADevice')).toHaveLength(2);
    expect(made.filter((action) => action === 'DeleteVirtualMFADevice')).toHaveLength(1);
    expect(made.at(-1)).toBe('DeleteUser');
  });

  it.each([
    ['405', refuseIam(405, 'MethodNotAllowed')],
    ['501', refuseIam(501, 'NotImplemented')],
    ['InvalidAction', refuseIam(400, 'InvalidAction')],
  ])('is deleted on a server that answers %s to what it does not have', async (_title, lacking) => {
    const all = [...Object.keys(nothingAttached), ...rightsLists];
    answers({
      ...inTheWay,
      ...Object.fromEntries(all.map((action) => [action, [lacking]])),
      DeleteUser: [refuseIam(409, 'DeleteConflict'), result('DeleteUser')],
    });
    await issuerWith().deleteUser(user, recordingContext());
    expect(actions().at(-1)).toBe('DeleteUser');
  });

  it('that stays because of what may not be looked for says what that is', async () => {
    answers({
      ...inTheWay,
      ...nothingAttached,
      ListMFADevices: [refuseIam(403, 'AccessDenied')],
      DeleteUser: [refuseIam(409, 'DeleteConflict')],
    });
    const fault = await issuerWith().deleteUser(user, recordingContext()).catch(asFault);
    expect(fault).toMatchObject({ kind: 'waiting', reason: 'RequestRefused' });
    expect(asFault(fault).message).toContain('may not look for its MFA devices');
  });

  it('whose lists have several pages is seen whole, and by a server that repeats a page as well', async () => {
    const more = '<IsTruncated>true</IsTruncated><Marker>more</Marker>';
    const key = (id: string) =>
      `<AccessKeyMetadata><member><AccessKeyId>${id}</AccessKeyId></member></AccessKeyMetadata>`;
    const policies = (name: string) => `<PolicyNames><member>${name}</member></PolicyNames>`;
    const attached = (arn: string) =>
      `<AttachedPolicies><member><PolicyArn>${arn}</PolicyArn></member></AttachedPolicies>`;
    const groups = (name: string) => `<Groups><member><GroupName>${name}</GroupName></member></Groups>`;
    answers({
      GetUser: [result('GetUser', userXml())],
      GetUserPolicy: [noSuchEntity],
      ListAccessKeys: [result('ListAccessKeys', key('K1') + more), result('ListAccessKeys', key('K2'))],
      ListUserPolicies: [
        result('ListUserPolicies', policies('s3-operator') + more),
        result('ListUserPolicies', policies('theirs')),
      ],
      ListAttachedUserPolicies: [
        result('ListAttachedUserPolicies', more),
        result('ListAttachedUserPolicies', attached('arn:aws:iam::aws:policy/AWSDenyAll')),
      ],
      ListGroupsForUser: [result('ListGroupsForUser', groups('staff') + more)],
    });
    expect(await issuerWith().observeUser(user, recordingContext())).toMatchObject({
      keys: [{ accessKeyId: 'K1' }, { accessKeyId: 'K2' }],
      denials: ['AWSDenyAll'],
      needsUpdate: true,
    });
    const asked = fake.requests.map(({ body }) => new URLSearchParams(body));
    const listed = asked.filter((query) => query.get('Action') === 'ListAccessKeys');
    expect(listed.map((query) => query.get('Marker'))).toEqual([null, 'more']);
    expect(actions().filter((action) => action === 'ListGroupsForUser')).toHaveLength(2);
  });

  it.each([
    ['lacks them', refuseIam(501, 'NotImplemented')],
    ['does not show them yet', noSuchEntity],
  ])('without a path, whose tags cannot be read because the server %s, is not judged', async (_why, answer) => {
    answers({ GetUser: [result('GetUser', userXml('/', new Map()))], ListUserTags: [answer] });
    for (const call of ['observeUser', 'deleteUser', 'putUser'] as const)
      expect(await issuerWith(false)[call](user, recordingContext()).catch(asFault)).toMatchObject({
        kind: 'transient',
        reason: 'KeyNotUsableYet',
      });
    expect(actions().filter((action) => action !== 'GetUser' && action !== 'ListUserTags')).toEqual([]);
  });

  it('that is gone counts as deleted', async () => {
    const all = ['GetUser', 'ListAccessKeys', 'DeleteUserPolicy', 'DeleteUser'];
    answers(Object.fromEntries(all.map((action) => [action, [noSuchEntity]])));
    await issuerWith().deleteUser(user, recordingContext());
    expect(actions()).toEqual([...all, ...rightsLists, 'DeleteUser']);
  });

  it('that is too young to be shown is deleted all the same', async () => {
    answers({
      GetUser: [noSuchEntity],
      ListAccessKeys: [
        result(
          'ListAccessKeys',
          '<AccessKeyMetadata><member><AccessKeyId>AK1</AccessKeyId></member></AccessKeyMetadata>',
        ),
      ],
      DeleteAccessKey: [result('DeleteAccessKey')],
      DeleteUserPolicy: [noSuchEntity],
      DeleteUser: [result('DeleteUser')],
    });
    await issuerWith().deleteUser(user, recordingContext());
    expect(actions()).toEqual(['GetUser', 'ListAccessKeys', 'DeleteAccessKey', 'DeleteUserPolicy', 'DeleteUser']);
  });

  it('that exists and is too young to be shown is waited for', async () => {
    answers({ GetUser: [noSuchEntity, noSuchEntity], CreateUser: [refuseIam(409, 'EntityAlreadyExists')] });
    expect(
      await issuerWith()
        .putUser(user, recordingContext())
        .catch((caught: unknown) => caught),
    ).toMatchObject({ kind: 'transient', reason: 'KeyNotUsableYet' });
  });

  it('that others gave rights needs an update, which takes those off and leaves ours', async () => {
    answers({
      GetUser: [result('GetUser', userXml())],
      GetUserPolicy: [noSuchEntity],
      ListAccessKeys: [result('ListAccessKeys')],
      ...foreignRights,
    });
    expect(await issuerWith().observeUser(user, recordingContext())).toMatchObject({ needsUpdate: true });
    await issuerWith().putUser(user, recordingContext());
    expect(actions().slice(-3)).toEqual(['DeleteUserPolicy', 'DetachUserPolicy', 'RemoveUserFromGroup']);
    expect(fake.requests.at(-3)?.body).toContain('PolicyName=theirs');
  });

  it('is deleted without the right to look for a managed policy of its own', async () => {
    answers({
      GetUser: [result('GetUser', userXml())],
      ListAccessKeys: [result('ListAccessKeys')],
      DeleteUserPolicy: [noSuchEntity],
      GetPolicy: [refuseIam(403, 'AccessDenied')],
      DeleteUser: [result('DeleteUser')],
    });
    expect(await issuerWith(true, undefined, true).deleteUser(user, recordingContext())).toEqual([]);
    expect(actions()).toEqual(['GetUser', 'ListAccessKeys', 'DeleteUserPolicy', 'GetPolicy', 'DeleteUser']);
  });

  const ownPolicy = `arn:aws:iam::1:policy/s3-operator/${ownerMark().cluster}/${user.name}`;

  it('that still shows a policy of ours which is gone has lost nothing of others', async () => {
    const attached = `<AttachedPolicies><member><PolicyArn>${ownPolicy}</PolicyArn></member></AttachedPolicies>`;
    answers({
      GetUser: [result('GetUser', userXml())],
      ...foreignRights,
      ListAttachedUserPolicies: [result('ListAttachedUserPolicies', attached)],
      GetPolicy: [noSuchEntity],
      DetachUserPolicy: [noSuchEntity],
      RemoveUserFromGroup: [noSuchEntity],
    });
    expect(await issuerWith(true, undefined, true).putUser(user, recordingContext())).toEqual([
      { kind: 'inline policy', name: 'theirs' },
    ]);
  });

  it.each([
    ['is not shown yet', noSuchEntity, { kind: 'transient', reason: 'KeyNotUsableYet' }],
    [
      'has no owner tags',
      result('GetPolicy', '<Policy><DefaultVersionId>v1</DefaultVersionId></Policy>'),
      { kind: 'waiting', reason: 'NotOwned' },
    ],
  ])('gets no large policy while there is one that %s', async (_why, shown, fault) => {
    answers({
      GetUser: [result('GetUser', userXml())],
      CreatePolicy: [refuseIam(409, 'EntityAlreadyExists')],
      GetPolicy: [shown],
    });
    const large = { Version: '2012-10-17', Statement: [{ Resource: 'x'.repeat(3_000) }] };
    const put = issuerWith(true, undefined, true).putPolicy(user, large, recordingContext());
    expect(await put.catch(asFault)).toMatchObject(fault);
    expect(actions()).toEqual(['GetUser', 'CreatePolicy', 'GetPolicy']);
  });

  it.each([
    ['goes with it', `arn:aws:iam::1:user/s3-operator/${ownerMark().cluster}/${user.name}`, true],
    ['stays where the ARN is not that of the user', 'arn:aws:iam::1:user/s3-operator/other/user', false],
  ])('is gone already: its managed policy %s', async (_what, arn, goes) => {
    const tags = [...tagsOfOwner(user.mark)].map(
      ([key, value]) => `<member><Key>${key}</Key><Value>${value}</Value></member>`,
    );
    const document = encodeURIComponent('{}');
    answers({
      GetUser: [noSuchEntity],
      ListAccessKeys: [noSuchEntity],
      DeleteUserPolicy: [noSuchEntity],
      GetPolicy: [
        result('GetPolicy', `<Policy><DefaultVersionId>v1</DefaultVersionId><Tags>${tags.join('')}</Tags></Policy>`),
      ],
      GetPolicyVersion: [result('GetPolicyVersion', `<PolicyVersion><Document>${document}</Document></PolicyVersion>`)],
      DetachUserPolicy: [noSuchEntity],
      ListPolicyVersions: [result('ListPolicyVersions')],
      DeletePolicy: [result('DeletePolicy')],
      DeleteUser: [noSuchEntity],
    });
    await issuerWith(true, undefined, true).deleteUser({ ...user, arn }, recordingContext());
    expect(actions().includes('DeletePolicy')).toBe(goes);
    if (goes) {
      const sent = fake.requests.map(({ body }) => new URLSearchParams(body));
      expect(sent.find((query) => query.get('Action') === 'DeletePolicy')?.get('PolicyArn')).toBe(ownPolicy);
    }
  });

  it('may have a larger policy where that becomes a managed one', () => {
    expect([issuerWith(), issuerWith(true, undefined, true)].map(({ maxPolicyBytes }) => maxPolicyBytes)).toEqual([
      2048, 6144,
    ]);
  });

  it('loses what others gave it before its tags change, which may be refused', async () => {
    answers({
      GetUser: [result('GetUser', userXml(undefined, new Map()))],
      TagUser: [refuseIam(403, 'AccessDenied')],
      ...foreignRights,
    });
    await expect(issuerWith().putUser(user, recordingContext())).rejects.toMatchObject({ reason: 'AccessDenied' });
    expect(actions().slice(-4)).toEqual(['DeleteUserPolicy', 'DetachUserPolicy', 'RemoveUserFromGroup', 'TagUser']);
  });

  it.each(['aws', 'aws-cn', 'aws-us-gov'])(
    'that is put into quarantine, or is denied everything, stays so: partition %s',
    async (partition) => {
      const arns = ['AWSCompromisedKeyQuarantine', 'AWSCompromisedKeyQuarantineV3', 'AWSDenyAll'].map(
        (name) => `arn:${partition}:iam::aws:policy/${name}`,
      );
      const attached = (more: readonly string[] = []) => ({
        ListAttachedUserPolicies: [
          result(
            'ListAttachedUserPolicies',
            `<AttachedPolicies>${[...arns, ...more].map((arn) => `<member><PolicyArn>${arn}</PolicyArn></member>`).join('')}</AttachedPolicies>`,
          ),
        ],
      });
      const shown = {
        GetUser: [result('GetUser', userXml())],
        GetUserPolicy: [noSuchEntity],
        ListAccessKeys: [result('ListAccessKeys')],
        DetachUserPolicy: [result('DetachUserPolicy')],
        DeleteUserPolicy: [noSuchEntity],
        DeleteUser: [refuseIam(409, 'DeleteConflict'), result('DeleteUser')],
        ...nothingAttached,
      };
      answers({ ...shown, ...attached() });
      const denials = ['AWSCompromisedKeyQuarantine', 'AWSCompromisedKeyQuarantineV3', 'AWSDenyAll'];
      expect(await issuerWith().observeUser(user, recordingContext())).toMatchObject({ needsUpdate: false, denials });

      // One of the account's own may have such a name, and allow everything.
      const theirs = [
        `arn:${partition}:iam::123456789012:policy/AWSDenyAll`,
        `arn:${partition}:iam::aws:policy/AWSDenyAllX`,
      ];
      answers({ ...shown, ...attached(theirs) });
      expect(await issuerWith().observeUser(user, recordingContext())).toMatchObject({ needsUpdate: true, denials });
      const names = (all: readonly string[]) => all.map((name) => ({ kind: 'attached policy', name }));
      expect(await issuerWith().putUser(user, recordingContext())).toEqual(names(theirs));

      answers({ ...shown, ...attached() });
      expect(await issuerWith().deleteUser(user, recordingContext())).toEqual(names(arns));
    },
  );

  it('is observed with its policy decoded', async () => {
    const policy = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: 'ü + %' }] };
    answers({
      GetUser: [result('GetUser', userXml())],
      GetUserPolicy: [
        result('GetUserPolicy', `<PolicyDocument>${encodeURIComponent(JSON.stringify(policy))}</PolicyDocument>`),
      ],
      ListAccessKeys: [
        result(
          'ListAccessKeys',
          '<AccessKeyMetadata><member><AccessKeyId>AK1</AccessKeyId><Status>Inactive</Status><CreateDate>2026-01-02T03:04:05Z</CreateDate></member></AccessKeyMetadata>',
        ),
      ],
    });
    expect(await issuerWith().observeUser(user, recordingContext())).toEqual({
      arn: `arn:aws:iam::1:user/s3-operator/${ownerMark().cluster}/${user.name}`,
      isOurs: true,
      isBounded: true,
      policy,
      keys: [{ accessKeyId: 'AK1', isActive: false, createdAt: new Date('2026-01-02T03:04:05Z') }],
      needsUpdate: false,
    });
  });
});

describe('a permissions boundary', () => {
  const arn = 'arn:aws:iam::123456789012:policy/bounds';
  const other = 'arn:aws:iam::123456789012:policy/other';
  const boundXml = (boundary: string): string =>
    userXml().replace(
      '</User>',
      `<PermissionsBoundary><PermissionsBoundaryArn>${boundary}</PermissionsBoundaryArn></PermissionsBoundary></User>`,
    );
  const bound = [result('GetUser', boundXml(arn))];
  const seen = { GetUserPolicy: [noSuchEntity], ListAccessKeys: [result('ListAccessKeys')] };
  const sight = async (wanted?: string) =>
    issuerWith(true, wanted).observeUser(user, recordingContext()) as Promise<{
      isBounded: boolean;
      needsUpdate: boolean;
    }>;

  it('is there from the creation of the user on', async () => {
    answers({ GetUser: [noSuchEntity], CreateUser: [result('CreateUser', boundXml(arn))] });
    await issuerWith(true, arn).putUser(user, recordingContext());
    expect(actions()).toEqual(['GetUser', 'CreateUser']);
    expect(new URLSearchParams(fake.requests[1]?.body).get('PermissionsBoundary')).toBe(arn);
  });

  it.each([
    ['missing', userXml(), arn, false],
    ['changed', boundXml(other), arn, false],
    ['as wanted', boundXml(arn), arn, true],
    ['there though none is wanted', boundXml(other), '', false],
    ['not there, as wanted', userXml(), '', true],
    ['of somebody else, and none of our business', boundXml(other), undefined, true],
  ])('that is %s is seen as that', async (_title, found, wanted, isBounded) => {
    answers({ GetUser: [result('GetUser', found)], ...seen });
    expect(await sight(wanted)).toMatchObject({ isBounded, needsUpdate: !isBounded });
  });

  it.each([
    ['set', userXml(), arn, 'PutUserPermissionsBoundary', boundXml(arn)],
    ['changed back', boundXml(other), arn, 'PutUserPermissionsBoundary', boundXml(arn)],
    ['removed', boundXml(other), '', 'DeleteUserPermissionsBoundary', userXml()],
  ])('is %s before anything else, and read back', async (_title, found, wanted, action, then) => {
    answers({ GetUser: [result('GetUser', found), result('GetUser', then)], [action]: [result(action)] });
    await issuerWith(true, wanted).putUser(user, recordingContext());
    expect(actions()).toEqual(['GetUser', action, 'GetUser', ...rightsLists]);
  });

  it.each([
    ['does not have it', [refuseIam(405, 'MethodNotAllowed')], bound, 'terminal', 'Unsupported'],
    ['drops it', [result('PutUserPermissionsBoundary')], [result('GetUser', userXml())], 'waiting', 'RequestRefused'],
    ['does not find its policy', [refuseIam(404, 'NoSuchEntity')], bound, 'waiting', 'RequestRefused'],
  ] as const)('on a server that %s nothing more is given', async (_title, put, after, kind, reason) => {
    answers({
      GetUser: [noSuchEntity, ...after],
      CreateUser: [result('CreateUser', userXml())],
      PutUserPermissionsBoundary: put,
    });
    const fault = await issuerWith(true, arn).putUser(user, recordingContext()).catch(asFault);
    expect(fault).toMatchObject({ kind, reason });
  });

  it('whose policy is not there is told at the creation too', async () => {
    answers({ GetUser: [noSuchEntity], CreateUser: [noSuchEntity] });
    const fault = await issuerWith(true, arn).putUser(user, recordingContext()).catch(asFault);
    expect(asFault(fault).message).toContain('IAM does not find the policy that spec.permissionsBoundaryArn');
    expect(asFault(fault).message).not.toContain(arn);
  });
});

describe('on a server that drops the path of a user', () => {
  const marks = ['cluster', 'namespace', 'name', 'uid'] as const;
  const tagsXml = (change: Partial<Record<(typeof marks)[number], string>> = {}) =>
    `<Tags>${marks
      .map(
        (part) =>
          `<member><Key>s3.cloud37.dev/${part}</Key><Value>${change[part] ?? ownerMark()[part]}</Value></member>`,
      )
      .join('')}</Tags>`;
  const pathless = { GetUser: [result('GetUser', userXml('/', new Map()))], GetUserPolicy: [noSuchEntity] };
  const noKeys = { ListAccessKeys: [result('ListAccessKeys')] };
  const marked = { ListUserTags: [result('ListUserTags', tagsXml())] };
  const unmarked = { ListUserTags: [result('ListUserTags', '<Tags></Tags>')] };

  it('the mark is put into its tags and read back', async () => {
    answers({
      GetUser: [noSuchEntity],
      CreateUser: [result('CreateUser', userXml('/', new Map()))],
      TagUser: [result('TagUser')],
      ...marked,
    });
    await issuerWith(false).putUser(user, recordingContext());
    expect(actions()).toEqual(['GetUser', 'CreateUser', 'TagUser', 'ListUserTags']);
    const sent = [...new URLSearchParams(fake.requests[2]?.body).values()];
    expect(sent).toEqual(expect.arrayContaining(marks.map((part) => ownerMark()[part])));
  });

  it.each([
    [
      'are not there',
      { TagUser: [refuseIam(501, 'NotImplemented')], ListUserTags: [refuseIam(501, 'NotImplemented')] },
    ],
    ['are dropped too', { TagUser: [result('TagUser')], ...unmarked }],
  ])('and whose tags %s, the user goes again, and that no keys can be issued is said', async (_title, tags) => {
    answers({
      GetUser: [noSuchEntity],
      CreateUser: [result('CreateUser', userXml('/', new Map()))],
      DeleteUser: [result('DeleteUser')],
      ...tags,
    });
    expect(await issuerWith(false).putUser(user, recordingContext()).catch(asFault)).toMatchObject({
      kind: 'terminal',
      reason: 'Unsupported',
      message: expect.stringContaining('keeps neither the path nor the tags of a user') as string,
    });
    expect(actions().at(-1)).toBe('DeleteUser');
  });

  it('the tags say that it is ours', async () => {
    answers({ ...pathless, ...noKeys, ...marked });
    expect(await issuerWith(false).observeUser(user, recordingContext())).toMatchObject({
      isOurs: true,
      needsUpdate: false,
    });
  });

  it('one whose creation broke off before the tags is finished', async () => {
    answers({
      ...pathless,
      ...noKeys,
      ListUserTags: [...unmarked.ListUserTags, ...unmarked.ListUserTags, ...marked.ListUserTags],
      TagUser: [result('TagUser')],
    });
    expect(await issuerWith(false).observeUser(user, recordingContext())).toMatchObject({
      isOurs: true,
      needsUpdate: true,
      isUnmarked: true,
    });
    await issuerWith(false).putUser(user, recordingContext());
    expect(actions().slice(-2)).toEqual(['TagUser', 'ListUserTags']);
  });

  it.each([
    ['the tags of another object', { ListUserTags: [result('ListUserTags', tagsXml({ uid: 'other' }))], ...noKeys }],
    [
      'the tags of another cluster',
      { ListUserTags: [result('ListUserTags', tagsXml({ cluster: 'other' }))], ...noKeys },
    ],
    [
      'no tags and a key',
      {
        ...unmarked,
        ListAccessKeys: [
          result(
            'ListAccessKeys',
            '<AccessKeyMetadata><member><AccessKeyId>AK1</AccessKeyId></member></AccessKeyMetadata>',
          ),
        ],
      },
    ],
    ['no tags and a group of others', { ...unmarked, ...noKeys, ...foreignRights }],
  ])('one with %s is not ours: neither changed nor deleted', async (_title, shown) => {
    answers({ ...pathless, ...shown });
    const issuer = issuerWith(false);
    expect(await issuer.observeUser(user, recordingContext())).toMatchObject({ isOurs: false });
    expect(await issuer.putUser(user, recordingContext()).catch(asFault)).toMatchObject({ reason: 'NotOwned' });
    expect(await issuer.deleteUser(user, recordingContext()).catch(asFault)).toMatchObject({ reason: 'NotOwned' });
    expect(actions().filter((action) => /^(Tag|Delete|Create|Put|Untag)/.test(action ?? ''))).toEqual([]);
  });

  it('a search finds ours by their tags', async () => {
    const listed = ['root', user.name, iamUserNameFor(ownerMark({ cluster: 'other' }))]
      .map((name) => `<member><UserName>${name}</UserName><Path>/</Path></member>`)
      .join('');
    answers({
      ListUsers: [result('ListUsers', `<Users>${listed}</Users>`)],
      ListUserTags: [...marked.ListUserTags, result('ListUserTags', tagsXml({ cluster: 'other' }))],
    });
    const { cluster, namespace, name, uid } = ownerMark();
    expect(await issuerWith(false).listUsers(cluster, () => false, recordingContext())).toEqual({
      isComplete: true,
      users: [{ name: user.name, mark: { cluster, namespace, name, uid } }],
    });
    expect(actions()).toEqual(['ListUsers', 'ListUserTags', 'ListUserTags']);
  });
});

describe('what the server says it is', () => {
  it.each([
    [
      'SeaweedFS 8000GB 4.48',
      Number.POSITIVE_INFINITY,
      ['s3:ListBucketMultipartUploads', 's3:ListMultipartUploadParts'],
    ],
    ['Ceph Object Gateway (tentacle)', Number.POSITIVE_INFINITY, reportActions],
    ['Ceph Object Gateway', Number.POSITIVE_INFINITY, [...reportActions, 's3:PutBucketOwnershipControls']],
    ['something', 2, []],
  ])('%s: shows how many keys and which actions it takes', async (server, most, lacked) => {
    fake.answer(() => ({
      kind: 'respond',
      status: 404,
      headers: { server },
      body: '<ErrorResponse><Error><Code>NoSuchEntity</Code></Error></ErrorResponse>',
    }));
    const issuer = issuerWith(false);
    expect(issuer.maxKeysPerUser).toBe(2);
    expect(await issuer.observeUser(user, recordingContext())).toBeUndefined();
    expect(issuer.maxKeysPerUser).toBe(most);
    expect([...issuer.lacksActions]).toEqual(lacked);
  });

  it("is not known behind a proxy: what hardly any server but Amazon's knows is left out then", () => {
    expect([...issuerWith(false, undefined, false, false).lacksActions]).toEqual([
      ...reportActions,
      's3:PutBucketOwnershipControls',
    ]);
  });
});

describe('the time that a request is signed with', () => {
  const hourMs = 3_600_000;
  const none = result('ListUsers', '<Users/><IsTruncated>false</IsTruncated>');
  const dated = (answer: FakeAnswer, date: string): FakeAnswer =>
    answer.kind === 'respond' ? { ...answer, headers: { ...answer.headers, date } } : answer;
  const signedMs = () =>
    fake.requests.map(({ headers }) =>
      Date.parse(
        String(headers['x-amz-date']).replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'),
      ),
    );
  const isNow = (ms: number): boolean => Math.abs(ms - Date.now()) < hourMs / 2;

  it.each([
    ['accepts', none, () => new Date(Date.now() - hourMs).toUTCString()],
    ['accepts', none, () => 'Sat, 13 Sep 275760 00:00:00 GMT'],
    ['denies', refuseIam(403, 'AccessDenied'), () => new Date(Date.now() - hourMs).toUTCString()],
  ])('is that of this machine while the server %s, whatever a proxy writes', async (_title, answer, date) => {
    fake.answer(() => dated(answer, date()));
    const issuer = issuerWith();
    for (let call = 0; call < 3; call += 1) await issuer.listUsers('c', () => false, recordingContext()).catch(asFault);
    expect(signedMs().map(isNow)).toEqual([true, true, true]);
  });

  it('is that of the server once it has refused that of this machine', async () => {
    const date = () => new Date(Date.now() + hourMs).toUTCString();
    fake.answer(() =>
      isNow(signedMs().at(-1) ?? 0)
        ? dated(refuseIam(403, 'SignatureDoesNotMatch', 'Signature expired: it is now later'), date())
        : dated(none, date()),
    );
    await issuerWith().listUsers('c', () => false, recordingContext());
    expect(signedMs().map(isNow)).toEqual([true, false]);
  });
});

describe('a key', () => {
  it.each([
    [result('GetUser', userXml()), true],
    [refuseIam(403, 'AccessDenied'), false],
    [refuseIam(403, 'InvalidClientTokenId'), false],
  ])('proves itself by its own GetUser alone', async (answer, proves) => {
    answers({ GetUser: [answer] });
    const key = { accessKeyId: 'AKIANEW', secretAccessKey: redact('new') };
    expect(await issuerWith().signsIn?.(key, recordingContext())).toBe(proves);
    expect(fake.requests.map(({ headers }) => headers.authorization?.includes('AKIANEW'))).toEqual([true]);
  });

  it('beyond the second is refused at once, without a retry', async () => {
    answers({ CreateAccessKey: [refuseIam(409, 'LimitExceeded')] });
    expect(await issuerWith().createKey(user, undefined, recordingContext()).catch(asFault)).toMatchObject({
      kind: 'waiting',
      reason: 'KeyLimitReached',
    });
    expect(fake.requests).toHaveLength(1);
  });

  it('is asked for once: a repeated call would make a key that nobody knows', async () => {
    answers({ CreateAccessKey: [refuseIam(500, 'ServiceFailure')] });
    expect(await issuerWith().createKey(user, undefined, recordingContext()).catch(asFault)).toMatchObject({
      kind: 'transient',
    });
    expect(fake.requests).toHaveLength(1);
  });
});

it.each([
  [403, 'InvalidClientTokenId', 'AuthFailed'],
  [403, 'SignatureDoesNotMatch', 'AuthFailed'],
  [403, 'AccessDenied', 'AccessDenied'],
  [400, 'Throttling', 'Throttled'],
  [400, 'MalformedPolicyDocument', 'PolicyInvalid'],
  [409, 'ConcurrentModification', 'Conflict'],
  [409, 'LimitExceeded', 'LimitExceeded'],
  [400, 'InvalidAction', 'Unsupported'],
])('%i %s of IAM is %s', async (status, code, reason) => {
  fake.answer(() => refuseIam(status, code));
  const fault = await issuerWith().putPolicy(user, { Version: '2012-10-17' }, recordingContext()).catch(asFault);
  expect(fault).toMatchObject({ reason });
});

describe('tags of a user', () => {
  const other: KeyUser = { ...user, displayName: 'The <app>', tags: new Map([['stage', 'x']]) };

  it('are ours to remove only when we had set them', () => {
    const have = new Map([...wantedUserTags(user), ['cost', '7']]);
    const { set, remove } = planUserTags(wantedUserTags(other), have);
    expect(remove).toEqual(['team']);
    expect([...set.keys()].sort()).toEqual(['s3.cloud37.dev/display-name', 's3.cloud37.dev/tag-keys', 'stage']);
    expect(set.get('s3.cloud37.dev/display-name')).toBe('The _app_');
  });

  it('need nothing once they are there', () => {
    const want = wantedUserTags(other);
    expect(planUserTags(want, new Map([...want, ['cost', '7']]))).toEqual({ set: new Map(), remove: [] });
  });

  it('fit in the 50 of IAM with the most that an AccessKey may have', () => {
    const most = new Map(Array.from({ length: 46 }, (_, index) => [`key-${index}`, 'v']));
    const want = wantedUserTags({ ...other, tags: most });
    expect(want.size).toBeLessThanOrEqual(50);
    expect(Math.max(...[...want.values()].map((value) => value.length))).toBeLessThanOrEqual(256);
  });
});

describe('a search for users', () => {
  const { cluster, namespace, name: owner, uid } = ownerMark();
  const listed = (names: readonly string[], path: string, more = ''): FakeAnswer =>
    result(
      'ListUsers',
      `<Users>${names.map((name) => `<member><UserName>${name}</UserName><Path>${path}</Path></member>`).join('')}</Users>${more}`,
    );
  const path = `/s3-operator/${cluster}/`;
  const nextPage = '<IsTruncated>true</IsTruncated><Marker>more</Marker>';

  it('reads all pages, and asks whose those are whose names are not known', async () => {
    answers({
      ListUsers: [listed(['known'], path, nextPage), listed([user.name], path)],
      GetUser: [result('GetUser', userXml())],
    });
    expect(await issuerWith().listUsers(cluster, (name) => name === 'known', recordingContext())).toEqual({
      users: [{ name: user.name, mark: { cluster, namespace, name: owner, uid } }],
      isComplete: true,
    });
    expect(actions()).toEqual(['ListUsers', 'ListUsers', 'GetUser']);
    expect(new URLSearchParams(fake.requests[1]?.body).get('Marker')).toBe('more');
  });

  it.each<[string, string, FakeAnswer]>([
    ['is of another path, on a server that does not heed the prefix', '/other/', result('GetUser', userXml())],
    ['is gone by now', path, noSuchEntity],
    [
      'has the tags of another',
      path,
      result('GetUser', userXml(path, new Map([...wantedUserTags(user), ['s3.cloud37.dev/uid', 'x']]))),
    ],
  ])('leaves out what %s', async (_title, listedAt, answer) => {
    answers({ ListUsers: [listed([user.name], listedAt)], GetUser: [answer] });
    expect((await issuerWith().listUsers(cluster, () => false, recordingContext())).users).toEqual([]);
  });

  it('tells no owner where users have no tags', async () => {
    answers({ ListUsers: [listed(['stray'], path)], GetUser: [result('GetUser', userXml(path, new Map()))] });
    for (const userTags of [true, false])
      expect((await issuerWith(userTags).listUsers(cluster, () => false, recordingContext())).users).toEqual([
        { name: 'stray', mark: undefined },
      ]);
  });

  it('looks at a hundred, and says that there are more', async () => {
    const names = Array.from({ length: 101 }, (_, index) => `user-${String(index)}`);
    answers({ ListUsers: [listed(names, path)] });
    const found = await issuerWith(false).listUsers(cluster, () => false, recordingContext());
    expect([found.users.length, found.isComplete]).toEqual([100, false]);
  });

  it('that is not allowed says so', async () => {
    answers({ ListUsers: [refuseIam(403, 'AccessDenied')] });
    expect(
      await issuerWith()
        .listUsers(cluster, () => false, recordingContext())
        .catch(asFault),
    ).toMatchObject({
      reason: 'AccessDenied',
    });
  });
});
