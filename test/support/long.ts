/**
 * Why `npm test` skips a test whose kind it has in a shorter form, and that takes long because real programs have to
 * crash, wait or fill a disk for it, or much is played at real servers; `CHARTROOM_TEST_LONG=1` plays it, and so does every
 * run of continuous integration.
 */
export const skipLong = process.env['CHARTROOM_TEST_LONG'] === '1' ? false : 'takes long: CHARTROOM_TEST_LONG=1';

/** Real runtimes killed at every write there is: the named ones are played with the long tests, all of them in memory by actor/leaving. */
export const skipEveryWrite =
  process.env['CHARTROOM_TEST_EVERY_WRITE'] === '1' ? false : 'takes minutes: npm run crash:leaving';
