import { describe, expect, it } from 'vitest';
import { currentKubeconfig } from './kubeconfig.ts';

const env = { HOME: '/home/me' };

describe('currentKubeconfig', () => {
  it.each([
    { files: ['/a', '/l', '/home/me/.kube/config'], env: { ...env, KUBECONFIG: '/a:/b' }, want: '/a' },
    { files: ['/l', '/home/me/.kube/config'], env: { ...env, KUBECONFIG: '' }, want: '/l' },
    { files: ['/home/me/.kube/config'], env, want: '/home/me/.kube/config' },
  ])('is $want when there are $files', (given) => {
    expect(currentKubeconfig(given.env, '/l', (path) => given.files.includes(path))).toBe(given.want);
  });

  it('says what to do when there is none', () => {
    expect(() => currentKubeconfig(env, '/l', () => false)).toThrow(/npm run local -- up makes one/);
  });

  it('does not fall back from a file that is named and missing', () => {
    expect(() => currentKubeconfig({ KUBECONFIG: '/a' }, '/l', (path) => path === '/l')).toThrow(
      '/a, which does not exist',
    );
  });
});
