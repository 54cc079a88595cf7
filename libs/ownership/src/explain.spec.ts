import { describe, expect, it } from 'vitest';
import { commandToConfirm, explainOwnership, isConfirmed } from './explain.ts';

const borrower = {
  bucket: 'photos',
  namespace: 'team-b',
  name: 'p',
  provider: { namespace: 'platform', name: 'store' },
};
const lender = { ...borrower, namespace: 'platform' };
const owner = { cluster: 'c', namespace: 'secret-team', name: 'secret-name', uid: 'u' };

describe('explainOwnership', () => {
  it('does not tell a borrower whose bucket it is, and names the command for the owner of the Provider', () => {
    const fault = explainOwnership({ is: 'others', rule: 'markOfAnother', owner }, 'keep', borrower);
    expect(fault.reason).toBe('AlreadyClaimed');
    expect(fault.message).not.toContain('secret');
    expect(fault.message).toContain(commandToConfirm(borrower));
  });

  it('tells the owner of the Provider, and in the own namespace', () => {
    for (const [asker, mark] of [
      [lender, owner],
      [borrower, { ...owner, namespace: 'team-b' }],
    ] as const) {
      const fault = explainOwnership({ is: 'others', rule: 'markOfAnother', owner: mark }, 'keep', asker);
      expect(fault.message).toContain(`${mark.namespace}/${mark.name}`);
    }
  });

  it('shows in one line what the tags say', () => {
    const named = { ...owner, name: `two\nlines${'x'.repeat(1_000)}` };
    const { message } = explainOwnership({ is: 'others', rule: 'markOfAnother', owner: named }, 'keep', lender);
    expect(message).toContain('secret-team/two lines');
    expect(message).not.toContain('x'.repeat(500));
  });

  it.each([
    [
      'Always is said where it counts',
      { ...lender, adoptionPolicy: 'Always' },
      'adoptionPolicy is Always: the bucket is taken over once that object is gone.',
    ],
    [
      'the word of the lender is there',
      { ...borrower, isConfirmed: true },
      'The owner of the Provider has confirmed it: the bucket is taken over once that object is gone.',
    ],
  ] as const)('asks for nothing that is said already: %s', (_title, asker, words) => {
    const { message } = explainOwnership({ is: 'others', rule: 'markOfAnother', owner }, 'keep', asker);
    expect(message).toContain(words);
    expect(message).not.toContain('set adoptionPolicy');
    expect(message).not.toContain('kubectl annotate');
  });

  it.each(['markOfAnother', 'unmarked'] as const)('says to a borrower why Always changes nothing: %s', (rule) => {
    const { message } = explainOwnership({ is: 'others', rule, owner }, 'keep', {
      ...borrower,
      adoptionPolicy: 'Always',
    });
    expect(message).toContain(
      'It is left alone. adoptionPolicy: Always counts only in the namespace of the Provider. If ',
    );
    expect(message).toContain(commandToConfirm(borrower));
  });

  it.each([
    ['notInAccount', 'NameTaken'],
    ['unmarked', 'NotOwned'],
    ['intentOver', 'NotOwned'],
    ['markOfNamesake', 'NotOwned'],
  ] as const)('says %s as %s', (rule, reason) => {
    expect(explainOwnership({ is: 'others', rule }, 'keep', borrower).reason).toBe(reason);
  });

  it('names the one command in every doubt, and what stays undone', () => {
    for (const rule of [
      'remadeSince',
      'ageUnknown',
      'intentUnclear',
      'unproven',
      'markOfNamesake',
      'markUnsigned',
      'markUnverified',
    ] as const) {
      const fault = explainOwnership({ is: 'doubt', rule }, 'delete', borrower);
      expect(fault.reason).toBe('OwnershipInDoubt');
      expect(fault.message).toContain(commandToConfirm(borrower));
      expect(fault.message).toContain('It is not deleted');
      expect(fault.message).not.toContain(`is: ${rule}`);
    }
  });
});

describe('isConfirmed', () => {
  const by = (value: string) => ({ 's3.cloud37.dev/confirm-owner': value });

  it('is true for this object and this bucket only', () => {
    expect(isConfirmed(by('x/y/z, team-b/p/photos'), borrower)).toBe(true);
    expect(isConfirmed(by('team-b/p/other'), borrower)).toBe(false);
    expect(isConfirmed(by('team-b/p'), borrower)).toBe(false);
    expect(isConfirmed(undefined, borrower)).toBe(false);
  });

  it('is what the command writes', () => {
    const value = commandToConfirm(borrower).split('confirm-owner=')[1] ?? '';
    expect(isConfirmed(by(value), borrower)).toBe(true);
  });
});
