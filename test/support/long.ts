/**
 * Why `npm test` skips a test whose kind it has in a shorter form, and that takes long because real programs have to
 * crash, wait or fill a disk for it, or much is played at real servers; `CHARTROOM_TEST_LONG=1` plays it, and so does every
 * run of continuous integration, but for crash/leaving: ten minutes more, whose steps actor/leaving plays in memory.
 */
export const skipLong = process.env['CHARTROOM_TEST_LONG'] === '1' ? false : 'takes long: CHARTROOM_TEST_LONG=1';
