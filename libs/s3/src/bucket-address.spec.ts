import { describe, expect, it } from 'vitest';
import { addressOf } from './bucket-address.ts';

const hostAndPath = (endpoint: string, bucket: string | undefined, pathStyle = false): string => {
  const { protocol, hostname, port, path } = addressOf(new URL(endpoint), bucket, pathStyle);
  return `${protocol}//${hostname}${port === undefined ? '' : `:${String(port)}`}${path}`;
};

describe('where a request about a bucket goes', () => {
  it.each([
    ['https://s3.example', 'photos', 'https://photos.s3.example/'],
    ['https://s3.example:9000/base/', 'photos', 'https://photos.s3.example:9000/base'],
    ['http://s3.example', 'my.photos', 'http://my.photos.s3.example/'],
    // The certificate for *.s3.example is for no name with a further dot.
    ['https://s3.example', 'my.photos', 'https://s3.example/my.photos'],
    ['https://s3.example', 'Photos_1', 'https://s3.example/Photos_1'],
    ['https://s3.example', 'a', 'https://s3.example/a'],
    ['https://s3.example', '10.0.0.1', 'https://s3.example/10.0.0.1'],
    ['http://127.0.0.1:9000', 'photos', 'http://127.0.0.1:9000/photos'],
    ['http://[::1]:9000/base', 'photos', 'http://[::1]:9000/base/photos'],
  ])('%s, %s: %s', (endpoint, bucket, want) => {
    expect(hostAndPath(endpoint, bucket)).toBe(want);
  });

  it('is the path where that is asked for, below the path of the endpoint', () => {
    expect(hostAndPath('https://s3.example/base', 'photos', true)).toBe('https://s3.example/base/photos');
    expect(hostAndPath('https://s3.example', '../photos', true)).toBe('https://s3.example/..%2Fphotos');
  });

  it('is the endpoint itself for what is about no bucket', () => {
    expect(hostAndPath('https://s3.example/base/', undefined)).toBe('https://s3.example/base');
    expect(hostAndPath('https://s3.example', undefined, true)).toBe('https://s3.example/');
  });
});
